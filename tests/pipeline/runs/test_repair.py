"""Contradictions between a run, its steps and its deal are repaired from the run, and counted."""

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.database import Database
from pipeline.runs import base, repair
from tests.factories import done_deal, insert_full_queue, one, queued_deal, rows, run_store, running_deal

STATE = """SELECT d.id, d.status, d.latest_run_id, s.status AS step, s.position FROM deals d
           LEFT JOIN steps s ON s.run_id = d.latest_run_id ORDER BY 1, 5"""


async def test_consistent_rows_are_not_written(database: Database) -> None:
    """Waiting, running or ended: nothing is repaired or counted."""
    await queued_deal(database)
    await running_deal(database)
    await done_deal(database)
    before = await rows(database, "SELECT xmin::text, id FROM deals ORDER BY id")
    assert await run_store(database).repair() == {}
    assert await rows(database, "SELECT xmin::text, id FROM deals ORDER BY id") == before
    assert await one(database, "SELECT count(*) FROM repairs") == 0


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("UPDATE deals SET latest_run_id = NULL", "deal without its latest run"),
        ("UPDATE deals SET status = 'FAILED'", "deal of another status than its run"),
        ("UPDATE deals SET status = 'RUNNING'", "deal of another status than its run"),
        ("UPDATE steps SET status = 'RUNNING' WHERE position = 5", "step that runs in a run that does not"),
    ],
)
async def test_a_contradiction_is_repaired_and_counted(database: Database, damage: str, kind: str) -> None:
    """Once: the second pass finds nothing."""
    await done_deal(database)
    before = await rows(database, STATE)
    await rows(database, f"{damage} RETURNING 1")
    assert await run_store(database).repair() == {kind: 1}
    assert await run_store(database).repair() == {}
    assert await rows(database, "SELECT kind, count FROM repairs") == [{"kind": kind, "count": 1}]
    if not kind.startswith("step"):
        assert await rows(database, STATE) == before


async def test_an_active_deal_whose_run_ended_long_ago_is_repaired(database: Database) -> None:
    """However long ago: otherwise the queue would show a deal as waiting indefinitely."""
    await done_deal(database)
    await rows(database, "UPDATE pipeline_runs SET ended_at = now() - interval '1 day' RETURNING id")
    await rows(database, "UPDATE deals SET status = 'QUEUED' RETURNING id")
    assert await run_store(database).repair() == {"active deal whose run is over": 1}
    assert await one(database, "SELECT status FROM deals") == "DONE"


async def test_a_repair_that_fails_stops_no_other(database: Database) -> None:
    """Here the one of the steps, whose table is missing; the one after it repairs its deal."""
    await done_deal(database)
    await rows(database, "UPDATE pipeline_runs SET ended_at = now() - interval '1 day' RETURNING id")
    await rows(database, "UPDATE deals SET status = 'QUEUED' RETURNING id")
    await database.run(text("ALTER TABLE steps RENAME TO lost_steps"))
    with capture_logs() as events:
        assert await run_store(database).repair() == {"active deal whose run is over": 1}
    assert [event["failed"] for event in events if event["event"] == "parts.failed"] == [1]
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_many_waiting_runs_are_checked_in_turn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window in each call, by all checks of runs that wait, and from the first again after the last."""
    monkeypatch.setattr(base, "WINDOW", 2)
    monkeypatch.setattr(repair, "WINDOW", 2)
    for _ in range(5):
        await queued_deal(database)
    await rows(database, "UPDATE pipeline_runs SET created_at = now() - interval '1 minute' RETURNING id")
    store = run_store(database)
    for _ in range(2):
        await rows(database, "UPDATE deals SET latest_run_id = NULL RETURNING id")
        assert [await store.repair() for _ in range(3)] == [{"deal without its latest run": n} for n in (2, 2, 1)]
        await rows(database, "UPDATE pipeline_runs SET job_id = NULL RETURNING id")
        assert [await store.sweep() for _ in range(3)] == [2, 2, 1]
        assert await store.repair() == {}
        assert await store.sweep() == 0
        store._positions.clear()


async def test_many_active_deals_are_checked_in_turn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window in each call, in the order of the queue; those that were repaired leave it."""
    monkeypatch.setattr(repair, "WINDOW", 2)
    await insert_full_queue(database, 7)
    active = "UPDATE deals SET status = CASE WHEN id % 7 < 5 THEN 'QUEUED' ELSE 'DONE' END::run_status RETURNING id"
    await rows(database, active)
    store = run_store(database)
    found = [(await store.repair()).get("active deal whose run is over", 0) for _ in range(4)]
    assert found == [2, 2, 1, 0]
    assert await one(database, "SELECT count(*) FROM deals WHERE status = 'DONE'") == 7


async def test_a_run_without_a_job_is_a_repair(database: Database) -> None:
    """It is requeued, and counted."""
    await queued_deal(database)
    await rows(database, "UPDATE pipeline_runs SET created_at = now() - interval '1 minute' RETURNING id")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    assert await run_store(database).sweep() == 1
    assert await rows(database, "SELECT kind, count FROM repairs") == [{"kind": "run without a job", "count": 1}]


async def test_a_job_of_a_deal_without_an_active_run_is_deleted(database: Database) -> None:
    """That is no contradiction, and not counted."""
    await done_deal(database)
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 1
    assert await run_store(database).repair() == {}
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0
