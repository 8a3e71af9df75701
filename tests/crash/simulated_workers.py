"""Simulated worker processes: what each does next, when it dies, and what it writes if it was only frozen."""

import asyncio
import uuid
from collections import Counter

from core.database import Database
from models import RunStatus
from models.conditions import QUARANTINE, QUEUE
from pipeline.runs.lease import CancelRequested, Lease, LeaseLost
from pipeline.runs.transition import Moved, Transition
from tests.crash.job_in_progress import KEYS, RUN_ACTIONS, STAGES, JobInProgress, transition
from tests.factories import LEASE_SECONDS, one, rows, run_store
from tests.pipeline.staging import runner

WORKERS = ("ada", "bob")
# The tests' server has only just been started; with the real lease no death of a worker would raise a suspicion.
SHORT_LEASE_SECONDS = 0.001

# The `how` of a process that leaves the job of an ended run until its next action.
LEAVES_JOB = 5

_EXPIRED = """
UPDATE pipeline_runs SET lease_until = clock_timestamp() - interval '1 ms'
WHERE deal_id = :deal AND status = 'RUNNING' RETURNING id
"""
_REGISTERED = "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"
_STALE = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = :id RETURNING id"
_FETCHED = f"""
SELECT id, (args ->> 'deal_id')::bigint AS deal
FROM procrastinate_fetch_job_v2(ARRAY['{QUEUE}', '{QUARANTINE}'], :worker) WHERE id IS NOT NULL
"""
_FINISHED = "DELETE FROM procrastinate_jobs WHERE id = :id AND status = 'doing' RETURNING id"


class SimulatedWorkers:
    """`jobs` belong to living processes; `orphaned_jobs` to processes that count as dead, but may have been frozen."""

    def __init__(self, database: Database, counts: Counter[str]) -> None:
        self._database = database
        self._counts = counts
        self._move_run = runner(database, *STAGES, lease_seconds=LEASE_SECONDS)._move
        self._starting = asyncio.Lock()
        self._worker_ids: dict[str, int] = {}
        self._incarnations: dict[str, str] = {}
        self.jobs: list[JobInProgress] = []
        self.orphaned_jobs: list[JobInProgress] = []

    async def fetch(self, worker: str) -> JobInProgress | None:
        """The next job; a process that has died is restarted first."""
        if worker not in self._worker_ids:
            await self.restart(worker)
        for row in await rows(self._database, _FETCHED, worker=self._worker_ids[worker]):
            self._counts["fetch"] += 1
            job = JobInProgress(worker, row["deal"], row["id"])
            self.jobs.append(job)
            return job
        return None

    async def claim(self, worker: str, how: int) -> None:
        """Claim the run of a job that was fetched earlier or is fetched now; often begin the stage at once."""
        fetched = [job for job in self.jobs if job.lease is None and not job.ended]
        if job := fetched[0] if fetched else await self.fetch(worker):
            await self._claim(job, how)

    async def take_over(self, worker: str, deal_id: int, how: int) -> None:
        """Claim a run by a duplicate job, when the lease of another worker has expired."""
        expired = await self.expire(deal_id)
        job = JobInProgress(worker, deal_id, None)
        self.jobs.append(job)
        await self._claim(job, how)
        self._counts["take over"] += bool(expired and job.lease)

    async def expire(self, deal_id: int) -> int:
        return len(await rows(self._database, _EXPIRED, deal=deal_id))

    async def act(self, action: str, which: int, how: int) -> None:
        """A living process continues with a run."""
        if job := _chosen([job for job in self.jobs if job.lease], which):
            await self._act(job, action, how)

    async def finish(self, which: int) -> None:
        """A living process takes a run through all remaining stages."""
        job = _chosen(self._running(), which)
        for _ in KEYS:
            if job is not None and not job.ended:
                self._counts["finish"] += await self._act(job, "advance", 0)

    def deal_in_progress(self, which: int) -> int | None:
        """A deal whose run a living process holds."""
        job = _chosen(self._running(), which)
        return job.deal_id if job else None

    def _running(self) -> list[JobInProgress]:
        return [job for job in self.jobs if job.lease and not job.ended]

    async def write_late(self, worker: str, which: int, how: int) -> None:
        """A process that was frozen and counts as dead writes to its run; it may have been frozen just now."""
        if how > 2:
            await self.die(worker)
        if job := _chosen([job for job in self.orphaned_jobs if job.lease and not job.ended], which):
            self._counts["late write"] += await self._act(job, RUN_ACTIONS[how], how)

    async def notice(self, which: int, how: int) -> None:
        """A living process renews a lease, or checks for a cancel request."""
        job = _chosen(self._running(), which)
        if job is None or job.lease is None:
            return
        try:
            if how % 2:
                await run_store(self._database).check(job.lease)
            else:
                await run_store(self._database).renew(job.lease)
            self._counts["notice"] += 1
        except CancelRequested:
            self._counts["cancel noticed"] += not job.cancel_noticed
            job.cancel_noticed = True
        except LeaseLost:
            self._counts["loss noticed"] += 1
            job.ended = True

    async def die(self, worker: str) -> None:
        """The process dies: it writes nothing more and releases nothing."""
        if worker_id := self._worker_ids.pop(worker, None):
            self._counts["die"] += any(job.worker == worker for job in self.jobs)
            self.orphaned_jobs += [job for job in self.jobs if job.worker == worker]
            self.jobs = [job for job in self.jobs if job.worker != worker]
            await rows(self._database, _STALE, id=worker_id)

    async def restart(self, worker: str) -> None:
        """The new process requeues at once what the worker held when it died."""
        async with self._starting:
            await self._restart(worker)

    async def _restart(self, worker: str) -> None:
        await self.die(worker)
        runs, dead, new = (
            run_store(self._database, SHORT_LEASE_SECONDS),
            self._incarnations.get(worker),
            uuid.uuid4().hex,
        )
        self._counts["restart"] += bool(dead and await runs.release(worker, dead))
        assert await runs.take_name(worker, incarnation=new, process=None, replaced=dead)
        worker_id = await one(self._database, _REGISTERED)
        self._incarnations[worker] = new
        self._worker_ids[worker] = worker_id
        await self.record_heartbeat(worker)

    async def record_heartbeat(self, worker: str) -> None:
        """A heartbeat: the suspicion against the runs of this worker is withdrawn."""
        if worker in self._worker_ids:
            self._counts["heartbeat"] += 1
            await run_store(self._database).record_heartbeat(
                worker=worker, incarnation=self._incarnations[worker], queue_workers=[self._worker_ids[worker]]
            )

    async def _claim(self, job: JobInProgress, how: int) -> None:
        lease = await run_store(self._database).claim(
            job.deal_id, worker=job.worker, incarnation=self._incarnations.get(job.worker)
        )
        if lease is None:
            self._counts["postpone"] += await run_store(self._database).postpone(job.deal_id, seconds=1)
            self._counts["nothing to claim"] += 1
            await self._finish(job)
            return
        self._counts["claim"] += 1
        job.lease = lease
        if how > 1:
            await self._act(job, "advance", 0)

    async def _act(self, job: JobInProgress, action: str, how: int) -> bool:
        """Whether it wrote to the run. The job is deleted at once or, now and then, with the next action."""
        if job.busy:
            return False
        job.busy, wrote = True, False
        if job.lease is not None and not job.ended:
            wrote = await self._move(job, job.lease, action, how)
        if job.ended and how != LEAVES_JOB:
            await self._finish(job)
        job.busy = False
        return wrote

    async def _move(self, job: JobInProgress, lease: Lease, action: str, how: int) -> bool:
        to, epoch = transition(job, lease, action, how), await self._epoch(lease)
        try:
            moved = await self._move_run(lease, to)
        except LeaseLost:
            self._counts["write refused"] += 1
            job.ended = True
            return False
        assert epoch == lease.epoch, "a worker that has lost its lease wrote to the run"
        self._count(job, action, to, moved)
        job.position, job.failures, job.ended = to.begin, moved.failures, moved.attempt is None
        return True

    async def _epoch(self, lease: Lease) -> int:
        return int(await one(self._database, "SELECT epoch FROM pipeline_runs WHERE id = :id", id=lease.run_id))

    def _count(self, job: JobInProgress, action: str, to: Transition, moved: Moved) -> None:
        if moved.status is RunStatus.CANCELLED:
            self._counts["cancelled before its stage" if job.position is None else "cancelled in its stage"] += 1
        elif job.cancel_noticed:
            self._counts["requeued after the cancel was undone"] += 1
        else:
            self._counts["begin" if job.position is None and to.begin is not None else action] += 1

    async def _finish(self, job: JobInProgress) -> None:
        job.ended = True
        if job.job_id is not None:
            await rows(self._database, _FINISHED, id=job.job_id)
        job.job_id = None
        self.jobs = [other for other in self.jobs if other is not job]


def _chosen(jobs: list[JobInProgress], which: int) -> JobInProgress | None:
    """One of these jobs, counted from the last."""
    return jobs[-1 - which % len(jobs)] if jobs else None
