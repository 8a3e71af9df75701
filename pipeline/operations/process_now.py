"""Processes a deal now, before all other runs that wait."""

from sqlalchemy import text

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import begin
from pipeline.operations.errors import AlreadyRunning
from pipeline.operations.latest import lock_latest
from pipeline.queue import Priority, wake
from pipeline.runs.rescue import REQUEUED_JOBS
from pipeline.runs.start import NewRun

# A new job rather than a changed one: it wakes the workers, and the run may have none (held, or delivered while
# paused). If a worker has taken the old job already, one of the two jobs finds nothing to claim.
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


async def process_now(context: OperationContext, deal_id: int) -> OperationResult:
    """A MANUAL run, or the waiting one before all others; NotFound, AlreadyRunning when a worker is processing it."""
    async with audited(context, Action("process_now", f"deal:{deal_id}")) as operation:
        latest = await lock_latest(operation.session, deal_id)
        if latest is None or not latest.is_active:
            run = NewRun(
                deal_id=deal_id,
                trigger=RunTrigger.MANUAL,
                priority=Priority.NOW,
                stages=context.stages,
                requested_by=context.actor,
            )
            started = await begin(operation.session, run)
            queued = f"Run {started.number} of deal {deal_id} is queued before all others."
            return operation.done(queued, run_id=started.run_id)
        if latest.status is RunStatus.RUNNING:
            raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is running.")
        await operation.session.execute(_HASTEN, {"run_id": latest.run_id})
        wake(operation.session)
        return operation.done(f"Run {latest.number} of deal {deal_id} goes before all others.", run_id=latest.run_id)
