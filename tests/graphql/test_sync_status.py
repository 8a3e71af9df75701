"""syncStatus: when the last sync succeeded, and what is wrong now."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from core.database import Database
from models import SyncKind, SyncOutcome, metadata
from tests.graphql.asking import Asker
from tests.graphql.factories import MOMENT

STATUS = "{ syncStatus { lastSyncAt lastError intervalSeconds } }"


async def synced(
    database: Database, minute: int, outcome: SyncOutcome, error: str | None = None, kind: SyncKind = SyncKind.TAIL
) -> None:
    """A sync that began at `minute` and, unless it is RUNNING, took ten seconds."""
    began: datetime = MOMENT + timedelta(minutes=minute)
    ended = None if outcome is SyncOutcome.RUNNING else began + timedelta(seconds=10)
    row: dict[str, Any] = {
        "kind": kind,
        "fence": 1,
        "outcome": outcome,
        "started_at": began,
        "ended_at": ended,
        "error": error,
    }
    await database.run(insert(metadata.tables["sync_runs"]), row)


async def test_before_the_first_sync_nothing_is_known(ask: Asker) -> None:
    """Nulls, and the interval that is set."""
    assert (await ask(STATUS))["syncStatus"] == {"lastSyncAt": None, "lastError": None, "intervalSeconds": 5}


async def test_the_error_of_the_newest_sync_is_shown_until_one_succeeds(ask: Asker, database: Database) -> None:
    """The last success is still told; one that is under way changes nothing."""
    await synced(database, 0, SyncOutcome.DONE)
    await synced(database, 1, SyncOutcome.FAILED, "HubSpot answered 401: the token is not valid.")
    await synced(database, 2, SyncOutcome.RUNNING)
    status = (await ask(STATUS))["syncStatus"]
    assert status["lastSyncAt"] == "2026-11-01T12:00:10.123456+00:00"
    assert status["lastError"] == "HubSpot answered 401: the token is not valid."
    await synced(database, 3, SyncOutcome.DONE)
    status = (await ask(STATUS))["syncStatus"]
    assert (status["lastSyncAt"], status["lastError"]) == ("2026-11-01T12:03:10.123456+00:00", None)


async def test_a_sync_that_was_interrupted_is_no_error(ask: Asker, database: Database) -> None:
    """A restart ends a sync; the next one goes on where it was."""
    await synced(database, 0, SyncOutcome.FAILED, "HubSpot did not answer.")
    await synced(database, 1, SyncOutcome.INTERRUPTED)
    assert (await ask(STATUS))["syncStatus"]["lastError"] is None


async def test_a_kind_of_sync_that_failed_is_told_though_others_succeed(ask: Asker, database: Database) -> None:
    """A tail every few seconds must not hide that the nightly comparison fails."""
    await synced(database, 0, SyncOutcome.FAILED, "HubSpot answered 403.", SyncKind.RECONCILE)
    await synced(database, 1, SyncOutcome.DONE)
    assert (await ask(STATUS))["syncStatus"]["lastError"] == "HubSpot answered 403."


async def test_everything_an_admin_asks_first_is_there(ask: Asker, database: Database) -> None:
    """How far behind, what is held, what could not be read, what is left of the day: one query, one statement."""
    await database.run(
        text("""WITH state AS (INSERT INTO sync_state (source, first_contact_at, watermark, tail_from)
                               VALUES ('hubspot.deals', now(), now(), now() - interval '90 s') RETURNING 1),
                     budget AS (INSERT INTO rate_budgets (policy, limit_calls, span, remaining)
                                VALUES ('daily', 650000, '1 day', 1234) RETURNING 1)
                INSERT INTO sync_rejects (record_key, body, error) VALUES ('1', '{}', 'no id')""")
    )
    await synced(database, 0, SyncOutcome.DONE)
    fields = "nextSyncAt lagSeconds backlog backfilled heldDeals rejectedRecords callsLeftToday"
    status = (await ask(f"{{ syncStatus {{ {fields} }} }}"))["syncStatus"]
    assert 90 <= status.pop("lagSeconds") < 120
    assert status == {
        "nextSyncAt": "2026-11-01T12:00:15.123456+00:00",
        "backlog": None,
        "backfilled": False,
        "heldDeals": 0,
        "rejectedRecords": 1,
        "callsLeftToday": 1234,
    }
