"""Fetches jobs so that one whose row cannot be read ends no worker."""

from collections.abc import Iterable

import structlog
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from core.errors import DatabaseUnavailable
from pipeline.runs.store import RunStore

log = structlog.get_logger()


class ReadableJobs(JobManager):
    """Of the queue workers of one process.

    Procrastinate commits the fetch before it reads the row: an error in between ends its worker, and every other one
    that fetches the job later.
    """

    def __init__(self, connector: BaseConnector, runs: RunStore) -> None:
        super().__init__(connector)
        self._runs = runs
        self._read: set[int] = set()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        try:
            job = await super().fetch_job(queues, worker_id)
        except Exception as error:
            if not await self._take_back(worker_id):
                raise
            log.exception("job.unreadable", error=str(error.__cause__ or error))
            return None
        if job is not None and job.id is not None:
            self._read.add(job.id)
        return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job(job, status, delete_job)
        finally:
            self._read.discard(job.id or 0)

    async def _take_back(self, worker_id: int) -> int:
        """How many jobs were fetched but not read; 0 when nothing was, or the database is unavailable."""
        try:
            return await self._runs.take_back_unread(queue_worker=worker_id, read=self._read)
        except DatabaseUnavailable:
            return 0
