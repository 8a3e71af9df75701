"""Pauses and resumes the queue by a flag that the claim itself reads: running stages end, no other stage begins."""

from sqlalchemy import text

from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.errors import AlreadyPaused, NotPaused
from pipeline.queue import wake
from pipeline.runs.controls import IS_OPEN, PAUSE, ask
from pipeline.runs.rescue import REQUEUED_JOBS

BATCH = 1_000

# FOR UPDATE: when two people resume at once, one of them does and the other is refused.
_FLAG = text(f"SELECT {IS_OPEN} AS paused, requested_by FROM controls WHERE name = :name FOR UPDATE")  # noqa: S608
_RESUME = text("UPDATE controls SET taken_at = clock_timestamp() WHERE name = :name")

# A job that was delivered while paused is gone, and its run waits without one. A worker that still holds a job is about
# to read the flag: its run gets another job, and one of the two finds nothing to claim. Delivered by priority and age.
_REDELIVER = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.crashes FROM pipeline_runs AS r
    WHERE r.status IN ('QUEUED', 'RETRYING') AND r.reason IS DISTINCT FROM 'HELD' AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status = 'todo')
    ORDER BY r.priority DESC, r.created_at, r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), wanted AS (
    SELECT d.*, row_number() OVER (ORDER BY d.priority DESC, r.created_at, r.id) AS n
    FROM due AS d JOIN pipeline_runs AS r ON r.id = d.run_id
), jobs AS ({REQUEUED_JOBS})
UPDATE pipeline_runs AS r SET job_id = j.job_id FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
RETURNING r.id
""")  # noqa: S608 - constants of ours


async def pause(context: OperationContext) -> OperationResult:
    """AlreadyPaused."""
    async with audited(context, Action("pause", "queue")) as operation:
        session = operation.session
        flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
        if flag is not None and flag.paused:
            raise AlreadyPaused(f"The queue is paused already, by {flag.requested_by}.")
        await ask(session, PAUSE, context.actor)
        return operation.done("The queue is paused. Running stages end; no other stage begins until it is resumed.")


async def resume(context: OperationContext) -> OperationResult:
    """NotPaused."""
    async with audited(context, Action("resume", "queue")) as operation:
        session = operation.session
        flag = (await session.execute(_FLAG, {"name": PAUSE})).one_or_none()
        if flag is None or not flag.paused:
            raise NotPaused("The queue is not paused.")
        await session.execute(_RESUME, {"name": PAUSE})
        delivered = 0
        while batch := len((await session.execute(_REDELIVER, {"batch": BATCH})).all()):
            delivered += batch
        # Also when no run was redelivered: idle workers have left the waiting jobs alone.
        wake(session)
        runs = "waiting run was" if delivered == 1 else "waiting runs were"
        redelivered = f" {delivered} {runs} redelivered." if delivered else ""
        return operation.done(f"The queue is resumed.{redelivered}")
