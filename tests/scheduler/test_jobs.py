"""The jobs that the leading scheduler runs."""

from dataclasses import replace

from sqlalchemy import text

from core.database import Database
from scheduler.jobs import JOBS, recheck_deals
from tests.factories import STAGE_NAMES, done_deal, one, rows, running_deal
from tests.scheduler.contexts import job_context


async def test_the_reaper_is_one_of_the_jobs(database: Database) -> None:
    """The job that the scheduler really runs requeues a run whose lease has expired."""
    await running_deal(database, lease_seconds=0)
    reap = next(job for job in JOBS if job.name == "reap")
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' RETURNING id")
    await reap.run(job_context(database))
    assert await one(database, "SELECT status FROM deals") == "QUEUED"


async def test_rechecks_wait_while_the_queue_is_paused_or_few_calls_are_left(database: Database) -> None:
    """The calls of the day are for changes first."""
    await done_deal(database)
    context = replace(job_context(database), stages=STAGE_NAMES)
    triggers = "SELECT array_agg(trigger::text ORDER BY id) FROM pipeline_runs"
    paused = "INSERT INTO controls (name) VALUES ('pause') RETURNING name"
    few = """INSERT INTO rate_budgets (policy, limit_calls, span, remaining, observed_at)
             VALUES ('daily', 1000, interval '1 day', 329, now()) RETURNING policy"""
    for hindrance, removed in ((paused, "DELETE FROM controls RETURNING name"), (few, "DELETE FROM rate_budgets")):
        await rows(database, hindrance)
        await recheck_deals(context)
        assert await one(database, triggers) == ["NEW"]
        await database.run(text(removed))
    await recheck_deals(context)
    assert await one(database, triggers) == ["NEW", "RECHECK"]
