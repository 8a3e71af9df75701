"""Cancels a waiting run at once, asks the worker of a running one to stop, and undoes either within ten seconds."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import begin, finished_stages
from pipeline.operations.errors import AlreadyRunning, NothingToCancel, NothingToUndo
from pipeline.operations.latest import UNDO_SECONDS, LatestRun, lock_latest
from pipeline.queue import Priority
from pipeline.runs.start import NewRun

# One UPDATE decides: a run that a worker claims at the same moment is RUNNING when the UPDATE re-reads it.
# The worker of a running one sees the request between and during its stages, and ends the run itself.
_CANCEL = text("""
WITH asked AS (
    UPDATE pipeline_runs AS r
    SET cancel_requested_at = clock_timestamp(),
        status = CASE WHEN r.status = 'RUNNING' THEN r.status ELSE 'CANCELLED'::run_status END,
        ended_at = CASE WHEN r.status = 'RUNNING' THEN r.ended_at ELSE clock_timestamp() END,
        next_attempt_at = NULL
    WHERE r.id = :run_id AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING')
    RETURNING r.id, r.deal_id, r.job_id, r.status
), over AS (
    SELECT * FROM asked WHERE status = 'CANCELLED'
), steps_over AS (
    UPDATE steps AS s SET status = 'CANCELLED', ended_at = clock_timestamp()
    FROM over AS o WHERE s.run_id = o.id AND s.status IN ('RUNNING', 'PENDING')
), jobs_over AS (
    DELETE FROM procrastinate_jobs AS j USING over AS o WHERE j.id = o.job_id AND j.status = 'todo'
), shown AS (
    UPDATE deals AS d SET status = 'CANCELLED', updated_at = clock_timestamp() FROM over AS o WHERE d.id = o.deal_id
)
SELECT status::text FROM asked
""")

_WITHDRAW = text("UPDATE pipeline_runs SET cancel_requested_at = NULL WHERE id = :run_id AND status = 'RUNNING'")


async def cancel(context: OperationContext, deal_id: int) -> OperationResult:
    """NotFound; NothingToCancel when no run is active, or its worker has been asked to stop already."""
    async with audited(context, Action("cancel", f"deal:{deal_id}")) as operation:
        latest = await lock_latest(operation.session, deal_id)
        if latest is None or not latest.is_active:
            last = f"; the last one is {latest.status.lower()}" if latest else ""
            raise NothingToCancel(f"Deal {deal_id} has no active run{last}.")
        run = f"Run {latest.number} of deal {deal_id}"
        if latest.is_cancelled and latest.status is RunStatus.RUNNING:
            raise NothingToCancel(f"{run} is being cancelled already.")
        row = (await operation.session.execute(_CANCEL, {"run_id": latest.run_id})).one()
        if row.status == RunStatus.CANCELLED:
            return operation.done(f"{run} is cancelled.", run_id=latest.run_id)
        return operation.done(f"{run} is running; its worker was asked to stop.", run_id=latest.run_id)


async def undo_cancel(context: OperationContext, deal_id: int) -> OperationResult:
    """Withdraws a request that the worker has not seen, else starts a MANUAL run at the stage that was cancelled.

    NotFound; NothingToUndo when nothing was cancelled or it is too late; AlreadyRunning.
    """
    async with audited(context, Action("undo_cancel", f"deal:{deal_id}")) as operation:
        latest = await _lock_cancelled(operation.session, deal_id)
        if latest.status is RunStatus.RUNNING:
            await operation.session.execute(_WITHDRAW, {"run_id": latest.run_id})
            return operation.done(f"Run {latest.number} of deal {deal_id} continues.", run_id=latest.run_id)
        run = NewRun(
            deal_id=deal_id,
            trigger=RunTrigger.MANUAL,
            priority=Priority.NEW,
            stages=context.stages,
            requested_by=context.actor,
            carried=await finished_stages(operation.session, latest.run_id, context.stages),
            carried_from=latest.run_id,
        )
        started = await begin(operation.session, run)
        continued = f"Run {started.number} of deal {deal_id} continues where run {latest.number} was cancelled."
        return operation.done(continued, run_id=started.run_id)


async def _lock_cancelled(session: AsyncSession, deal_id: int) -> LatestRun:
    """The latest run, whose cancellation can still be undone."""
    latest = await lock_latest(session, deal_id)
    if latest is None or not latest.is_cancelled:
        if latest is not None and latest.is_active:
            raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is {latest.status.lower()}.")
        raise NothingToUndo(f"No run of deal {deal_id} was cancelled.")
    if not latest.can_undo:
        raise NothingToUndo(f"Run {latest.number} was cancelled more than {UNDO_SECONDS} s ago. Retry the deal.")
    if latest.status not in {RunStatus.RUNNING, RunStatus.CANCELLED}:
        raise NothingToUndo(f"Run {latest.number} of deal {deal_id} had ended before: it is {latest.status.lower()}.")
    return latest
