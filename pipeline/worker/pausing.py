"""A worker that stops taking jobs while the queue is paused, and takes them again afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from procrastinate import App
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs.controls import is_paused

log = structlog.get_logger()

# Workers stop taking jobs within 2 s; what one has taken before it knows, the claim's own look at the flag refuses.
LOOK_SECONDS = 1.0


class PausableJobs(JobManager):
    """Fetches no job while `paused`: they stay in the queue, in their order."""

    paused = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        return None if self.paused else await super().fetch_job(queues, worker_id)


@asynccontextmanager
async def pausable(app: App, database: Database) -> AsyncIterator[PausableJobs]:
    """Inside the block the app's workers obey the flag; the first look is over when it begins."""
    jobs = PausableJobs(app.connector)
    app.job_manager = jobs
    jobs.paused = await is_paused(database)
    looking = asyncio.create_task(_look(jobs, database))
    try:
        yield jobs
    finally:
        looking.cancel()


async def _look(jobs: PausableJobs, database: Database) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            paused = await is_paused(database)
        except DatabaseUnavailable:
            # The watchdog tells of it; until then what was last known holds.
            continue
        if paused != jobs.paused:
            jobs.paused = paused
            log.info("worker.paused" if paused else "worker.resumed")
