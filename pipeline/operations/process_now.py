"""Process a deal now: before everything else that waits."""

from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.operations.begin import begin
from pipeline.operations.errors import AlreadyRunning
from pipeline.operations.latest import LatestRun, lock_latest
from pipeline.queue import Priority, wake
from pipeline.runs.rescue import REQUEUED_JOBS
from pipeline.runs.start import NewRun

# A new job rather than a changed one: it wakes the workers, and there may be none (held, or delivered while paused).
# Should the old one be in a worker's hands already, one of the two finds nothing to claim.
_HASTEN = text(f"""
WITH run AS (
    SELECT r.id AS run_id, r.deal_id, r.job_id AS old_job_id, r.crashes FROM pipeline_runs AS r WHERE r.id = :run_id
), wanted AS (
    SELECT run.*, {int(Priority.NOW)} AS priority, NULL::timestamptz AS next_attempt_at, CAST(1 AS bigint) AS n FROM run
), jobs AS ({REQUEUED_JOBS}), hastened AS (
    UPDATE pipeline_runs AS r
    SET priority = w.priority, job_id = j.job_id,
        reason = CASE WHEN r.reason = 'HELD' THEN NULL ELSE r.reason END,
        queued_at = CASE WHEN r.reason = 'HELD' THEN clock_timestamp() ELSE r.queued_at END,
        next_attempt_at = CASE WHEN r.status = 'RETRYING' THEN clock_timestamp() END
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.deal_id
), old_job AS (
    DELETE FROM procrastinate_jobs AS j USING run WHERE j.id = run.old_job_id AND j.status = 'todo'
)
UPDATE deals AS d SET updated_at = clock_timestamp() FROM hastened AS h WHERE d.id = h.deal_id
""")  # noqa: S608 - constants of ours


async def process_now(asking: Asking, deal_id: int) -> Done:
    """A MANUAL run, or the waiting one before all others; AlreadyRunning when a worker is at it; NotFound."""
    work = partial(process_now_in, asking=asking, deal_id=deal_id)
    return await audited(asking, Action("process_now", f"deal:{deal_id}", {}), work)


async def process_now_in(session: AsyncSession, *, asking: Asking, deal_id: int) -> Done:
    """The same within the caller's transaction, without the audit row."""
    latest = await lock_latest(session, deal_id)
    if latest is None or not latest.is_active:
        return await _start(session, asking, deal_id)
    if latest.status is RunStatus.RUNNING:
        raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is running.")
    return await _hasten(session, deal_id, latest)


async def _start(session: AsyncSession, asking: Asking, deal_id: int) -> Done:
    run = NewRun(
        deal_id=deal_id,
        trigger=RunTrigger.MANUAL,
        priority=Priority.NOW,
        stages=asking.stages,
        requested_by=asking.actor,
    )
    started = await begin(session, run)
    return Done(f"Run {started.number} of deal {deal_id} is queued before all others.", started.run_id)


async def _hasten(session: AsyncSession, deal_id: int, latest: LatestRun) -> Done:
    await session.execute(_HASTEN, {"run_id": latest.run_id})
    wake(session)
    return Done(f"Run {latest.number} of deal {deal_id} goes before all others.", latest.run_id)
