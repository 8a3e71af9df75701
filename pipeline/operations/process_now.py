"""Processes a deal now, before all other runs that wait."""

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import begin
from pipeline.operations.errors import AlreadyRunning
from pipeline.operations.latest import lock_latest
from pipeline.queue import Priority
from pipeline.runs.starting import NewRun
from pipeline.runs.store import RunStore


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
        await RunStore.hasten(operation.session, latest.run_id)
        return operation.done(f"Run {latest.number} of deal {deal_id} goes before all others.", run_id=latest.run_id)
