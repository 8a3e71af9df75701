"""Process a deal now: before everything else that waits."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.asking import Action, Asking, Done, audited
from pipeline.operations.begin import begin
from pipeline.operations.errors import AlreadyRunning
from pipeline.operations.latest import lock_latest
from pipeline.queue import Priority
from pipeline.runs.latest import LatestRun
from pipeline.runs.starting import NewRun
from pipeline.runs.store import RunStore


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
    await RunStore.hasten(session, latest.run_id)
    return Done(f"Run {latest.number} of deal {deal_id} goes before all others.", latest.run_id)
