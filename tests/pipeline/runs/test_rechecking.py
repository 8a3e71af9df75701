"""Deals whose recheck is due get a run at the lowest priority, a few at a time."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.database import Database
from models.conditions import is_recheckable
from pipeline.queue import Priority
from pipeline.runs import rechecking
from pipeline.runs.store import RunStore
from tests.factories import (
    STAGE_NAMES,
    done_deal,
    one,
    queued_deal,
    rows,
    run_store,
    running_deal,
)
from tests.pipeline.operations.states import held_deal, last_run

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DUE_AT = "UPDATE deals SET recheck_at = CAST(:at AS timestamptz) WHERE id = :id RETURNING id"
END = "UPDATE deals SET status = CAST(:status AS run_status) WHERE id = :id RETURNING id"


async def checked_deal(database: Database, due: datetime | None) -> int:
    deal_id = (await done_deal(database)).deal_id
    await rows(database, DUE_AT, id=deal_id, at=due)
    return deal_id


async def start(database: Database, now: datetime = NOW) -> int:
    return await run_store(database).start_rechecks(STAGE_NAMES, now)


async def test_a_deal_is_rechecked_once_its_time_has_come(database: Database) -> None:
    """A whole run at the lowest priority; the next one is due a week later, even if this one fails."""
    deal_id = await checked_deal(database, NOW)
    assert await start(database, NOW - timedelta(seconds=1)) == 0
    assert [await start(database) for _ in range(2)] == [1, 0]
    run = await last_run(database, deal_id)
    assert (run["trigger"], run["deal"], run["jobs"]) == ("RECHECK", "QUEUED", 1)
    assert run["priority"] == Priority.RECHECK
    assert min(Priority) is Priority.RECHECK
    assert await one(database, "SELECT recheck_at FROM deals") == NOW + timedelta(days=7)


async def test_a_deal_of_an_earlier_release_is_due_at_once(database: Database) -> None:
    """No run of this release has set its time; a closed deal has none and is left alone."""
    await done_deal(database)
    await checked_deal(database, None)
    assert await start(database) == 1


async def test_deals_that_wait_or_were_never_checked_are_left_alone(database: Database) -> None:
    """Queued, running, held and dropped ones, archived ones, and one that kills its workers."""
    await queued_deal(database)
    await running_deal(database)
    dropped = await held_deal(database)
    async with database.write() as session:
        await RunStore.drop_held(session)
    await held_deal(database)
    assert await one(database, "SELECT status FROM deals WHERE id = :id", id=dropped) == "CANCELLED"
    archived, crashed, changed = [await checked_deal(database, NOW) for _ in range(3)]
    await rows(database, "UPDATE deals SET archived_at = now() WHERE id = :id RETURNING id", id=archived)
    await rows(database, END, id=crashed, status="FAILED")
    await rows(database, "UPDATE pipeline_runs SET reason = 'CRASHED' WHERE deal_id = :id RETURNING id", id=crashed)
    await rows(database, "UPDATE deals SET rerun_wanted_at = now() WHERE id = :id RETURNING id", id=changed)
    assert await start(database) == 0


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
async def test_a_deal_that_was_checked_before_is_rechecked_whatever_became_of_its_last_run(
    database: Database, status: str
) -> None:
    """Its findings are those of an earlier run."""
    await rows(database, END, id=await checked_deal(database, NOW), status=status)
    assert await start(database) == 1


async def test_only_a_few_rechecks_wait_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest due first; the others follow when those have run."""
    monkeypatch.setattr(rechecking, "MOST_WAITING", 2)
    late, later, latest = [await checked_deal(database, NOW - timedelta(days=age)) for age in (1, 3, 2)]
    assert [await start(database) for _ in range(2)] == [2, 0]
    assert [(await last_run(database, deal))["number"] for deal in (late, later, latest)] == [1, 2, 2]
    await rows(database, "UPDATE pipeline_runs SET status = 'DONE' WHERE deal_id = :id RETURNING id", id=later)
    assert await start(database) == 1


async def test_due_deals_are_found_by_an_index(database: Database) -> None:
    """However many deals are not due."""
    await database.run(text("SET enable_seqscan = off"))
    plan = await rows(
        database,
        f"EXPLAIN SELECT id FROM deals AS d WHERE d.recheck_at <= now() AND {is_recheckable('d')} "
        "ORDER BY d.recheck_at LIMIT 100",
    )
    assert "ix_deals_recheck_at" in str(plan)
