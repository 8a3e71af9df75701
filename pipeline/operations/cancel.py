"""Cancels a waiting run at once, asks the worker of a running one to stop, and undoes either within ten seconds."""

from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import begin, finished_stages
from pipeline.operations.errors import AlreadyRunning, NothingToCancel, NothingToUndo
from pipeline.operations.latest import lock_latest
from pipeline.queue import Priority
from pipeline.runs.latest import UNDO_SECONDS, LatestRun
from pipeline.runs.starting import NewRun
from pipeline.runs.store import RunStore


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
        if await RunStore.cancel(operation.session, latest.run_id) is RunStatus.CANCELLED:
            return operation.done(f"{run} is cancelled.", run_id=latest.run_id)
        return operation.done(f"{run} is running; its worker was asked to stop.", run_id=latest.run_id)


async def undo_cancel(context: OperationContext, deal_id: int) -> OperationResult:
    """Withdraws a request that the worker has not seen, else starts a MANUAL run at the stage that was cancelled.

    NotFound; NothingToUndo when nothing was cancelled or it is too late; AlreadyRunning.
    """
    async with audited(context, Action("undo_cancel", f"deal:{deal_id}")) as operation:
        latest = await _lock_cancelled(operation.session, deal_id)
        if latest.status is RunStatus.RUNNING:
            await RunStore.withdraw(operation.session, latest.run_id)
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
