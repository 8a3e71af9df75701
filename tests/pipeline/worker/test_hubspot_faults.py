"""How HubSpot's errors affect a run: with the real stages and runner, and the sandbox over HTTP."""

from typing import NamedTuple

import pytest

from core.database import Database
from crm import transport
from sandbox import SANDBOX_TOKEN
from tests.crm.account import Account
from tests.factories import rows
from tests.hubspot import Sandbox
from tests.pipeline.stages.write_back.prepared_account import DealInHubSpot
from tests.pipeline.worker.worked_queue import Token, WorkedQueue


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
PERMANENT = [
    Fault("validation_refused", UPDATE, "StageFailed", "400 Bad Request"),
]


def _named(fault: Fault) -> str:
    return f"{fault.kind}-{fault.place.stage}"


@pytest.mark.parametrize("fault", TRANSIENT, ids=_named)
async def test_a_run_is_retried_until_hubspot_is_available(
    pipeline: WorkedQueue,
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
    pipeline: WorkedQueue, hubspot: Sandbox, deal_id: str, fault: Fault
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
    pipeline: WorkedQueue, hubspot: Sandbox, account: Account, database: Database, token: Token, deal_id: str
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
