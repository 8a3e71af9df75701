"""Moves a run: to its next step, to its end, or back to the queue with the job that delivers it again."""

from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.conditions import is_due, is_suspected, is_waiting
from pipeline.queue import RESUMED, wake_after
from pipeline.runs.access import delay_of_wait
from pipeline.runs.base import RunStatements
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.sql import requeued
from pipeline.runs.transition import MOVE, Moved, Transition, move_values, moved

_QUEUE_JOB = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority + {RESUMED} AS priority, r.next_attempt_at, r.crashes
    FROM pipeline_runs AS r WHERE r.id = :run_id AND r.epoch = :epoch AND r.status IN ('QUEUED', 'RETRYING')
), {requeued("due")}
UPDATE pipeline_runs AS r SET job_id = j.job_id FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
RETURNING r.id
""")

# A suspected run that met another one running waits in the suspected runs' own queue.
_POSTPONE = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority, r.crashes,
           clock_timestamp() + make_interval(secs => :seconds) AS next_attempt_at
    FROM pipeline_runs AS r
    WHERE r.deal_id = :deal_id AND {is_suspected()} AND {is_waiting()} AND {is_due()}
      AND NOT EXISTS (SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status = 'todo')
    FOR NO KEY UPDATE
), {requeued("due")}
UPDATE pipeline_runs AS r SET job_id = j.job_id FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
RETURNING r.id
""")


class Moving(RunStatements):
    async def move(self, lease: Lease, to: Transition) -> Moved:
        """Do the transition, as its own transaction. LeaseLost when the run is no longer ours."""
        rows = await self._database.fetch(MOVE, move_values(lease, to, self.lease_seconds))
        return moved(lease, to, rows)

    async def leave(self, lease: Lease, to: Transition) -> Moved:
        """The same for QUEUED and RETRYING: in one transaction with the job that delivers the run again."""
        async with self._database.write() as session:
            if to.waits_for is not None:
                to = replace(to, delay_seconds=await delay_of_wait(session, to.waits_for))
            moved_to = await self._move_in(session, lease, to)
            # A run whose cancellation was requested is CANCELLED instead, and needs no job.
            if moved_to.status is to.status:
                await self._queue_job(session, lease)
                if moved_to.next_attempt_at is None:
                    wake_after(session)
        return moved_to

    async def _move_in(self, session: AsyncSession, lease: Lease, to: Transition) -> Moved:
        result = await session.execute(MOVE.text, move_values(lease, to, self.lease_seconds))
        return moved(lease, to, result.mappings().all())

    async def _queue_job(self, session: AsyncSession, lease: Lease) -> None:
        if not (await session.execute(_QUEUE_JOB, {"run_id": lease.run_id, "epoch": lease.epoch})).all():
            raise LeaseLost(f"Run {lease.run_id} was taken over")

    async def postpone(self, deal_id: int, *, seconds: float) -> bool:
        """Deliver the deal's run again later, if it waits for another suspected run to end."""
        return bool(await self._database.run(_POSTPONE, {"deal_id": deal_id, "seconds": seconds}))
