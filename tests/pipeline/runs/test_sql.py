"""The pieces of the statements on runs, each in the smallest statement that uses it."""

from sqlalchemy import text

from core.database import Database
from pipeline.runs.sql import closed_attempts, closed_steps, counted_repairs, requeued, shown_on_deals
from tests.factories import one, queued_deal, rows, running_deal

RUNS = "runs AS (SELECT * FROM pipeline_runs)"


async def test_a_suspected_run_is_requeued_in_the_quarantine(database: Database) -> None:
    """In the given order, and each job delivers its own deal."""
    deals = [await queued_deal(database) for _ in range(3)]
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    await rows(database, "UPDATE pipeline_runs SET crashes = 2 WHERE deal_id = :id RETURNING id", id=deals[1])
    due = "due AS (SELECT id AS run_id, deal_id, priority, next_attempt_at, crashes FROM pipeline_runs)"
    await rows(database, f"WITH {due}, {requeued('due', order='r.run_id DESC')} SELECT job_id FROM jobs")
    jobs = "SELECT (args->>'deal_id')::bigint AS deal, queue_name AS queue FROM procrastinate_jobs ORDER BY id"
    assert await rows(database, jobs) == [
        {"deal": deals[2], "queue": "deals"},
        {"deal": deals[1], "queue": "quarantine"},
        {"deal": deals[0], "queue": "deals"},
    ]


async def test_a_deal_shows_its_run_and_moves_to_the_front(database: Database) -> None:
    """Only the deals that match are written."""
    first, second = await queued_deal(database), await queued_deal(database)
    before = await one(database, "SELECT max(updated_at) FROM deals")
    shown = shown_on_deals("runs", "status = 'FAILED'", where=f"d.id = {first}", returning="d.id")
    assert await rows(database, f"WITH {RUNS} {shown}") == [{"id": first}]
    moved = "SELECT id, status FROM deals WHERE updated_at > :before"
    assert await rows(database, moved, before=before) == [{"id": first, "status": "FAILED"}]
    assert await one(database, f"SELECT status FROM deals WHERE id = {second}") == "QUEUED"


async def test_open_steps_and_attempts_are_closed(database: Database) -> None:
    """With the error; those that have ended stay as they are."""
    await running_deal(database)
    for error_type in ("Test", "Again"):
        steps = closed_steps("runs", status="'FAILED'", error=f"error_type = '{error_type}'")
        attempts = closed_attempts("runs", error_type=error_type, message=f"{error_type}.")
        for statement in (steps, attempts):
            await database.run(text(f"WITH {RUNS} {statement}"))
    assert await rows(database, "SELECT status, error_type, ended_at IS NOT NULL AS ended FROM steps") == [
        {"status": "FAILED", "error_type": "Test", "ended": True}
    ]
    assert await rows(database, "SELECT error_message FROM step_attempts WHERE ended_at IS NOT NULL") == [
        {"error_message": "Test."}
    ]


async def test_repairs_are_counted_by_kind(database: Database) -> None:
    """A statement that has repaired nothing leaves no row."""
    for repaired in (0, 2, 3):
        fixed = f"fixed AS (SELECT generate_series(1, {repaired}))"
        await database.run(text(f"WITH {fixed}{counted_repairs('test', 'fixed')} SELECT 1"))
    assert await rows(database, "SELECT kind, count FROM repairs") == [{"kind": "test", "count": 5}]
