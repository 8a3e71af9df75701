"""Errors of HubSpot during a run: what the run shows then, and that it continues without help."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stamina
from structlog.testing import capture_logs

from core.database import Database
from crm.retries import ATTEMPTS
from pipeline.worker.runner import Runner
from tests.crm.account import Account
from tests.factories import queued_deal, rows
from tests.hubspot import Sandbox

STATE = """
SELECT r.status, r.next_attempt_at > now() AS is_scheduled, s.stage, s.error_type, s.error_message
FROM pipeline_runs r JOIN steps s ON s.run_id = r.id ORDER BY s.position DESC LIMIT 1
"""
DUE = "UPDATE pipeline_runs SET next_attempt_at = now() WHERE status = 'RETRYING' RETURNING id"


@pytest.fixture(autouse=True)
def no_waiting(hubspot: Sandbox) -> Iterator[None]:
    """Calls are retried at once, as often as in production; no fault is left for other tests."""
    with stamina.set_testing(True, attempts=ATTEMPTS), capture_logs():
        yield
    remove_faults(hubspot)


def remove_faults(hubspot: Sandbox) -> None:
    httpx.delete(f"{hubspot.url}/_sim/fault", timeout=10).raise_for_status()


async def state(database: Database) -> dict[str, Any]:
    """The only run and its latest step."""
    return (await rows(database, STATE))[0]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("locked", "Locked"),
        ("search_limit", "RateLimited"),
        ("moved", "ServerError"),
        ("server_error", "ServerError"),
        ("bad_gateway_html", "ServerError"),
        ("gateway_timeout", "ServerError"),
        ("reset", "ConnectionFailed"),
        ("cut_json", "BadResponse"),
        ("wrong_content_type", "BadResponse"),
    ],
)
async def test_a_transient_error_is_retried(
    database: Database, runner: Runner, hubspot: Sandbox, account: Account, fault: str, error: str
) -> None:
    """The run is RETRYING, with the error as a sentence and the time of the next attempt, which succeeds."""
    hubspot_deal_id = account.deal()
    hubspot.fault(fault, "GET", f"/0-3/{hubspot_deal_id}", times=ATTEMPTS)
    deal_id = await queued_deal(database, hubspot_deal_id=hubspot_deal_id)
    await runner.process(deal_id)
    found = await state(database)
    assert found.pop("error_message").endswith(".")
    assert found == {"status": "RETRYING", "is_scheduled": True, "stage": "fetch", "error_type": error}
    remove_faults(hubspot)
    await rows(database, DUE)
    await runner.process(deal_id)
    assert (await state(database))["status"] == "DONE"


async def test_a_missing_scope_makes_the_run_wait(
    database: Database, runner: Runner, hubspot: Sandbox, account: Account
) -> None:
    """The error names the scope that the token lacks; once it is granted the run continues."""
    hubspot_deal_id = account.deal()
    hubspot.fault("missing_scope", "GET", f"/0-3/{hubspot_deal_id}")
    deal_id = await queued_deal(database, hubspot_deal_id=hubspot_deal_id)
    await runner.process(deal_id)
    found = await state(database)
    assert "crm.objects.deals.read" in found.pop("error_message")
    assert found == {"status": "RETRYING", "is_scheduled": True, "stage": "fetch", "error_type": "MissingScopes"}
    await rows(database, DUE)
    await runner.process(deal_id)
    assert (await state(database))["status"] == "DONE"
