"""A worker with the real stages, on the sandbox over HTTP, with write-back."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import stamina
from procrastinate import App
from structlog.testing import capture_logs

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from models.conditions import QUEUE, TASK
from pipeline.stages import STAGES
from pipeline.stages.stage import RetryPolicy, StageSettings
from pipeline.worker.runner import Runner
from sandbox import SANDBOX_TOKEN
from tests.crm.account import Account
from tests.crm.scripted_server import RecordingBudget
from tests.factories import WORKER, queued_deal, run_store
from tests.hubspot import Sandbox, catalog
from tests.pipeline.stages.write_back.prepared_account import prepared_account
from tests.pipeline.worker.worked_queue import Token, WorkedQueue

KENJI = "79544102"
# Enough attempts for every fault, in quick succession.
PATIENT = RetryPolicy(attempts=1000, first_seconds=0.1, longest_seconds=0.1)


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with prepared_account() as sandbox:
        yield sandbox


@pytest.fixture
def token(hubspot: Sandbox) -> Iterator[Token]:
    yield Token()
    hubspot.accept(SANDBOX_TOKEN)
    hubspot.grant_all()
    hubspot.heal()


@pytest.fixture
async def pipeline(app: App, database: Database, hubspot: Sandbox, token: Token) -> AsyncIterator[WorkedQueue]:
    stage_settings = StageSettings(write_back=True)
    with stamina.set_testing(True, attempts=3, cap=True), capture_logs():
        async with HubSpot(hubspot.url, token, RecordingBudget()) as client:
            runner = Runner(
                database=database,
                runs=run_store(database),
                stages=[replace(stage.with_settings(stage_settings), retry=PATIENT) for stage in STAGES],
                crm=client,
                catalog=catalog(client),
                clock=SystemClock(),
                worker=WORKER,
            )
            app.task(name=TASK, queue=QUEUE)(runner.process)
            yield WorkedQueue(app, database)


@pytest.fixture
async def deal_id(database: Database, account: Account) -> str:
    """HubSpot's id of the deal. It is QUEUED here, with a serious finding for its owner."""
    found = account.deal({"amount": "-5", "hubspot_owner_id": KENJI})
    await queued_deal(database, hubspot_deal_id=found)
    return found
