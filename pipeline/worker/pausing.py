"""Stops a worker from fetching jobs while the queue is paused."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from procrastinate import App
from procrastinate.jobs import Job

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs.controls import is_paused
from pipeline.runs.store import RunStore
from pipeline.worker.fetching import ReadableJobs

log = structlog.get_logger()

# Workers stop fetching jobs within 2 s. For a job that was fetched before, the claim checks the flag itself.
PAUSE_POLL_SECONDS = 1.0


class PausableJobs(ReadableJobs):
    """Fetches no job while `paused`: jobs keep their order in the queue."""

    paused = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        return None if self.paused else await super().fetch_job(queues, worker_id)


@asynccontextmanager
async def pausable(app: App, database: Database, runs: RunStore) -> AsyncIterator[PausableJobs]:
    """Inside the block, the app's workers fetch no job while the queue is paused. The flag is first read before it."""
    jobs = PausableJobs(app.connector, runs)
    app.job_manager = jobs
    jobs.paused = await is_paused(database)
    following = asyncio.create_task(_follow_pause(jobs, database))
    try:
        yield jobs
    finally:
        following.cancel()


async def _follow_pause(jobs: PausableJobs, database: Database) -> None:
    while True:
        await asyncio.sleep(PAUSE_POLL_SECONDS)
        try:
            paused = await is_paused(database)
        except DatabaseUnavailable:
            # The watchdog logs it. Until the database answers, the last known state applies.
            continue
        if paused != jobs.paused:
            jobs.paused = paused
            log.info("worker.paused" if paused else "worker.resumed")
