"""How HubSpot's errors affect a run: with the real stages and runner, and the sandbox over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import stamina
from procrastinate import App
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.clock import SystemClock
from core.database import Database
from crm import transport
from crm.client import HubSpot
from models.conditions import QUEUE, TASK
from pipeline.stages import STAGES
from pipeline.stages.stage import RetryPolicy, StageSettings
from pipeline.worker.runner import Runner
from sandbox import SANDBOX_TOKEN
from tests.crm.account import Account
from tests.crm.scripted_server import RecordingBudget
from tests.factories import WORKER, queued_deal, rows, run_store
from tests.hubspot import Sandbox, catalog
from tests.pipeline.stages.write_back.prepared_account import DealInHubSpot, prepared_account

KENJI = "79544102"
# Enough attempts for every fault, in quick succession.
PATIENT = RetryPolicy(attempts=1000, first_seconds=0.1, longest_seconds=0.1)
STATE = """
SELECT r.status, d.status AS deal, r.reason, d.current_stage AS stage, s.status AS step, s.error_type AS error,
       s.error_message AS message, r.next_attempt_at IS NOT NULL AS again
FROM deals d JOIN pipeline_runs r ON r.id = d.latest_run_id
JOIN steps s ON s.run_id = r.id AND s.stage = d.current_stage
"""


class Place(NamedTuple):
    """Where in a run the fault occurs: the requests that fail, and the stage that sends them."""

    method: str | None
    path: str
    stage: str


READ = Place(None, "/0-3/", "fetch")
UPDATE = Place("PATCH", "/0-3/", "write_back")
NOTE = Place("POST", "/0-46$", "write_back")


class Fault(NamedTuple):
    """The fault and its place, and what the run shows then."""

    kind: str
    place: Place
    error: str
    message: str


TRANSIENT = [
    Fault("burst_limit", READ, "RateLimited", "429 Too Many Requests"),
    Fault("burst_limit", UPDATE, "RateLimited", "429 Too Many Requests"),
    Fault("server_error", READ, "ServerError", "500 Internal Server Error"),
    Fault("unavailable", NOTE, "ServerError", "503 Service Unavailable"),
    Fault("gateway_timeout", UPDATE, "ServerError", "504 Gateway Timeout: it sent HTML instead of JSON."),
    Fault("moved", READ, "ServerError", "HubSpot requests a retry after 120 s."),
    Fault("locked", UPDATE, "Locked", "423 Locked"),
    Fault("hang", READ, "TimedOut", "sent no complete response in time"),
    Fault("hang", NOTE, "TimedOut", "sent no complete response in time"),
    Fault("reset", UPDATE, "ConnectionFailed", "The connection to HubSpot at 127.0.0.1 failed"),
    Fault("wrong_content_type", READ, "BadResponse", "200 with a body that is not JSON"),
    Fault("cut_json", READ, "BadResponse", "200 with a body that is not JSON"),
    Fault("empty_body", UPDATE, "BadResponse", "200 with a body that is not JSON"),
    Fault("truncated_json", READ, "ConnectionFailed", "The connection to HubSpot at 127.0.0.1 failed"),
]
# Ends the waits for the next attempt: as long as HubSpot requests, or minutes while the token is rejected.
WAITS = (
    "UPDATE pipeline_runs SET next_attempt_at = now() WHERE next_attempt_at > now() RETURNING id",
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now() RETURNING id",
)

PERMANENT = [
    Fault("missing_scope", READ, "MissingScopes", "the token lacks crm.objects.deals.read."),
    Fault("validation_refused", UPDATE, "StageFailed", "400 Bad Request"),
]


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with prepared_account() as sandbox:
        yield sandbox


class Token:
    """The token in the settings, which an admin can change without a restart."""

    value = SANDBOX_TOKEN

    def __call__(self) -> SecretStr:
        return SecretStr(self.value)


@pytest.fixture
def token(hubspot: Sandbox) -> Iterator[Token]:
    yield Token()
    hubspot.accept(SANDBOX_TOKEN)
    hubspot.heal()


class Pipeline:
    """A worker that processes what is due, and ends."""

    def __init__(self, app: App, database: Database) -> None:
        self._app = app
        self._database = database

    async def work(self) -> None:
        await self._app.run_worker_async(
            queues=[QUEUE], wait=False, delete_jobs="always", install_signal_handlers=False, listen_notify=False
        )

    async def state(self) -> dict[str, Any]:
        """What the page shows of the only deal."""
        return (await rows(self._database, STATE))[0]

    async def done(self) -> None:
        """Let time pass and the worker run until the run is DONE; nothing else happens."""
        async with asyncio.timeout(10):
            while (await self.state())["status"] != "DONE":
                for wait in WAITS:
                    await rows(self._database, wait)
                await self.work()


@pytest.fixture
async def pipeline(app: App, database: Database, hubspot: Sandbox, token: Token) -> AsyncIterator[Pipeline]:
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
            yield Pipeline(app, database)


@pytest.fixture
async def deal_id(database: Database, account: Account) -> str:
    """HubSpot's id of the deal. It is QUEUED here, with a serious finding for its owner."""
    found = account.deal({"amount": "-5", "hubspot_owner_id": KENJI})
    await queued_deal(database, hubspot_deal_id=found)
    return found


def _named(fault: Fault) -> str:
    return f"{fault.kind}-{fault.place.stage}"


@pytest.mark.parametrize("fault", TRANSIENT, ids=_named)
async def test_a_run_is_retried_until_hubspot_is_available(
    pipeline: Pipeline,
    hubspot: Sandbox,
    account: Account,
    database: Database,
    deal_id: str,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RETRYING, with the error, for as long as HubSpot requests; then DONE without help, everything written once."""
    if fault.kind == "hang":
        # For this fault only: with the others a busy machine must not turn a response into a time-out.
        monkeypatch.setattr(transport, "CALL_SECONDS", 0.3)
    hubspot.fault(fault.kind, fault.place.method, fault.place.path, times=None)
    await pipeline.work()
    shown = await pipeline.state()
    assert fault.message in shown.pop("message")
    assert shown == {
        "status": "RETRYING", "deal": "RETRYING", "reason": None, "stage": fault.place.stage, "step": "FAILED",
        "error": fault.error, "again": True,
    }  # fmt: skip
    if fault.kind == "moved":
        assert await rows(database, "SELECT next_attempt_at - now() > interval '100 s' AS long FROM pipeline_runs") == [
            {"long": True}
        ]
    hubspot.heal()
    await pipeline.done()
    assert DealInHubSpot(account, deal_id).counts == (1, 1)


@pytest.mark.parametrize("fault", PERMANENT, ids=_named)
async def test_a_permanent_error_of_hubspot_fails_the_run_at_once(
    pipeline: Pipeline, hubspot: Sandbox, deal_id: str, fault: Fault
) -> None:
    """With HubSpot's reason and what to do about it; no job is left to retry it."""
    hubspot.fault(fault.kind, fault.place.method, fault.place.path, times=None)
    await pipeline.work()
    shown = await pipeline.state()
    assert fault.message in shown.pop("message")
    assert shown == {
        "status": "FAILED", "deal": "FAILED", "reason": "NEEDS_ATTENTION" if fault.error == "StageFailed" else None,
        "stage": fault.place.stage, "step": "FAILED", "error": fault.error, "again": False,
    }  # fmt: skip


async def test_a_run_continues_with_a_new_token_after_the_old_one_is_revoked(
    pipeline: Pipeline, hubspot: Sandbox, account: Account, database: Database, token: Token, deal_id: str
) -> None:
    """One call is rejected, and none follows. With another token the run continues, without a restart."""
    hubspot.fault("unauthorized", UPDATE.method, UPDATE.path, times=None)
    before = len(hubspot.journal())
    await pipeline.work()
    assert [entry["status"] for entry in hubspot.journal()[before:]].count(401) == 1
    assert hubspot.journal()[-1]["status"] == 401
    shown = await pipeline.state()
    assert (shown["status"], shown["stage"], shown["error"]) == ("RETRYING", "write_back", "Unauthorized")
    assert "Check HUBSPOT_TOKEN: it may be mistyped, expired or revoked." in shown["message"]
    hubspot.heal()
    token.value = "pat-na1-another"
    hubspot.accept(token.value)
    await pipeline.done()
    hubspot.accept(SANDBOX_TOKEN)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)
