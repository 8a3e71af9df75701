"""What HubSpot can do to a run: rows 29 to 32, with the real stages and runner, and the sandbox over HTTP."""

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
# As often as it takes until HubSpot is well again, and soon.
PATIENT = RetryPolicy(attempts=1000, first_seconds=0.1, longest_seconds=0.1)
STATE = """
SELECT r.status, d.status AS deal, r.reason, d.current_stage AS stage, s.status AS step, s.error_type AS error,
       s.error_message AS words, r.next_attempt_at IS NOT NULL AS again
FROM deals d JOIN pipeline_runs r ON r.id = d.latest_run_id
JOIN steps s ON s.run_id = r.id AND s.stage = d.current_stage
"""


class Place(NamedTuple):
    """Where in a run it happens: the requests that are struck, and the stage that makes them."""

    method: str | None
    path: str
    stage: str


READ = Place(None, "/0-3/", "fetch")
UPDATE = Place("PATCH", "/0-3/", "write_back")
NOTE = Place("POST", "/0-46$", "write_back")


class Fault(NamedTuple):
    """What HubSpot does, and where; what the run shows then."""

    row: int
    kind: str
    place: Place
    error: str
    words: str


PASSING = [
    Fault(29, "burst_limit", READ, "RateLimited", "429 Too Many Requests"),
    Fault(29, "burst_limit", UPDATE, "RateLimited", "429 Too Many Requests"),
    Fault(30, "server_error", READ, "ServerError", "500 Internal Server Error"),
    Fault(30, "unavailable", NOTE, "ServerError", "503 Service Unavailable"),
    Fault(30, "gateway_timeout", UPDATE, "ServerError", "504 Gateway Timeout: it sent HTML instead of JSON."),
    Fault(30, "moved", READ, "ServerError", "HubSpot requests a retry after 120 s."),
    Fault(30, "locked", UPDATE, "Locked", "423 Locked"),
    Fault(30, "hang", READ, "TimedOut", "sent no complete response in time"),
    Fault(30, "hang", NOTE, "TimedOut", "sent no complete response in time"),
    Fault(30, "reset", UPDATE, "ConnectionFailed", "The connection to HubSpot at 127.0.0.1 failed"),
    Fault(31, "wrong_content_type", READ, "BadResponse", "200 with a body that is not JSON"),
    Fault(31, "cut_json", READ, "BadResponse", "200 with a body that is not JSON"),
    Fault(31, "empty_body", UPDATE, "BadResponse", "200 with a body that is not JSON"),
    Fault(31, "truncated_json", READ, "ConnectionFailed", "The connection to HubSpot at 127.0.0.1 failed"),
]
# Until the next attempt: as long as HubSpot has asked for, a minute with a token that is refused.
WAITS = (
    "UPDATE pipeline_runs SET next_attempt_at = now() WHERE next_attempt_at > now() RETURNING id",
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at > now() RETURNING id",
)

# What does not pass by itself.
PERMANENT = [
    Fault(32, "missing_scope", READ, "MissingScopes", "the token lacks crm.objects.deals.read."),
    Fault(32, "validation_refused", UPDATE, "StageFailed", "400 Bad Request"),
]


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with prepared_account() as sandbox:
        yield sandbox


class Token:
    """As it stands in the settings; whoever changes it there restarts nothing."""

    value = SANDBOX_TOKEN

    def __call__(self) -> SecretStr:
        return SecretStr(self.value)


@pytest.fixture
def token(hubspot: Sandbox) -> Iterator[Token]:
    yield Token()
    hubspot.accept(SANDBOX_TOKEN)
    hubspot.heal()


class Pipeline:
    """A worker that takes what is due from the queue, and ends."""

    def __init__(self, app: App, database: Database) -> None:
        self._app = app
        self._database = database

    async def work(self) -> None:
        await self._app.run_worker_async(
            queues=[QUEUE], wait=False, delete_jobs="always", install_signal_handlers=False, listen_notify=False
        )

    async def state(self) -> dict[str, Any]:
        """What people see of the only deal."""
        return (await rows(self._database, STATE))[0]

    async def done(self) -> None:
        """Nobody does anything but the worker, and time passes."""
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
    """In HubSpot's words; it is QUEUED here, with something serious to tell its owner."""
    found = account.deal({"amount": "-5", "hubspot_owner_id": KENJI})
    await queued_deal(database, hubspot_deal_id=found)
    return found


def _named(fault: Fault) -> str:
    return f"{fault.row}-{fault.kind}-{fault.place.stage}"


@pytest.mark.parametrize("fault", PASSING, ids=_named)
async def test_row_29_to_31_a_run_waits_until_hubspot_is_well(
    pipeline: Pipeline,
    hubspot: Sandbox,
    account: Account,
    database: Database,
    deal_id: str,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RETRYING, with the reason in words, for as long as HubSpot asks; then DONE by itself, everything told once."""
    if fault.kind == "hang":
        # Here alone: where an answer comes, a busy machine must not turn it into none.
        monkeypatch.setattr(transport, "CALL_SECONDS", 0.3)
    hubspot.fault(fault.kind, fault.place.method, fault.place.path, times=None)
    await pipeline.work()
    shown = await pipeline.state()
    assert fault.words in shown.pop("words")
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
async def test_row_32_what_does_not_pass_fails_the_run_at_once(
    pipeline: Pipeline, hubspot: Sandbox, deal_id: str, fault: Fault
) -> None:
    """With HubSpot's reason and what to do about it; nothing is left that would try again."""
    hubspot.fault(fault.kind, fault.place.method, fault.place.path, times=None)
    await pipeline.work()
    shown = await pipeline.state()
    assert fault.words in shown.pop("words")
    assert shown == {
        "status": "FAILED", "deal": "FAILED", "reason": "NEEDS_ATTENTION" if fault.error == "StageFailed" else None,
        "stage": fault.place.stage, "step": "FAILED", "error": fault.error, "again": False,
    }  # fmt: skip


async def test_row_32_a_token_that_is_revoked_in_mid_run(
    pipeline: Pipeline, hubspot: Sandbox, account: Account, database: Database, token: Token, deal_id: str
) -> None:
    """One call is refused, none follows; with another token, and without a restart or a hand, the run goes on."""
    hubspot.fault("unauthorized", UPDATE.method, UPDATE.path, times=None)
    before = len(hubspot.journal())
    await pipeline.work()
    assert [entry["status"] for entry in hubspot.journal()[before:]].count(401) == 1
    assert hubspot.journal()[-1]["status"] == 401
    shown = await pipeline.state()
    assert (shown["status"], shown["stage"], shown["error"]) == ("RETRYING", "write_back", "Unauthorized")
    assert "Check HUBSPOT_TOKEN: it may be mistyped, expired or revoked." in shown["words"]
    hubspot.heal()
    token.value = "pat-na1-another"
    hubspot.accept(token.value)
    await pipeline.done()
    hubspot.accept(SANDBOX_TOKEN)
    assert DealInHubSpot(account, deal_id).counts == (1, 1)
