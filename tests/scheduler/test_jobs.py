"""The jobs that the leading scheduler runs."""

from core.database import Database
from scheduler.jobs import JOBS
from tests.factories import one, rows, running_deal
from tests.scheduler.contexts import job_context


async def test_the_reaper_is_one_of_the_jobs(database: Database) -> None:
    """The job that the scheduler really runs requeues a run whose lease has expired."""
    await running_deal(database, lease_seconds=0)
    reap = next(job for job in JOBS if job.name == "reap")
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' RETURNING id")
    await reap.run(job_context(database))
    assert await one(database, "SELECT status FROM deals") == "QUEUED"
