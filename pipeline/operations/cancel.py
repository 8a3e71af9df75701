"""Cancel what waits at once, and ask the worker to stop what runs; and take that back within ten seconds."""

from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.operations.begin import begin, finished_stages
from pipeline.operations.errors import AlreadyRunning, NothingToCancel, NothingToUndo
from pipeline.operations.latest import UNDO_SECONDS, LatestRun, lock_latest
from pipeline.queue import Priority
from pipeline.runs.start import NewRun

# One UPDATE decides: a run that a worker claims at the same moment is RUNNING by the time it is looked at again.
# The worker of a running one finds the request between and inside of its stages, and ends the run itself.
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


async def cancel(asking: Asking, deal_id: int) -> Done:
    """NothingToCancel when no run is active or its cancellation is under way; NotFound."""
    work = partial(cancel_in, deal_id=deal_id)
    return await audited(asking, Action("cancel", f"deal:{deal_id}", {}), work)


async def cancel_in(session: AsyncSession, *, deal_id: int) -> Done:
    """The same within the caller's transaction, without the audit row."""
    latest = await lock_latest(session, deal_id)
    if latest is None or not latest.is_active:
        raise NothingToCancel(f"Deal {deal_id} has no active run{_last(latest)}.")
    if latest.is_cancelled and latest.status is RunStatus.RUNNING:
        raise NothingToCancel(f"Run {latest.number} of deal {deal_id} is being cancelled already.")
    row: Any = (await session.execute(_CANCEL, {"run_id": latest.run_id})).one()
    if row.status == RunStatus.CANCELLED:
        return Done(f"Run {latest.number} of deal {deal_id} is cancelled.", latest.run_id)
    return Done(f"Run {latest.number} of deal {deal_id} is running; its worker was asked to stop.", latest.run_id)


def _last(latest: LatestRun | None) -> str:
    return f"; the last one is {latest.status.lower()}" if latest else ""


async def undo_cancel(asking: Asking, deal_id: int) -> Done:
    """A MANUAL run from the stage where the cancelled one stood; NothingToUndo when it is too late for that."""
    work = partial(_undo_in, asking=asking, deal_id=deal_id)
    return await audited(asking, Action("undo_cancel", f"deal:{deal_id}", {}), work)


async def _undo_in(session: AsyncSession, *, asking: Asking, deal_id: int) -> Done:
    latest = await lock_latest(session, deal_id)
    if latest is None or not latest.is_cancelled:
        if latest is not None and latest.is_active:
            raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is {latest.status.lower()}.")
        raise NothingToUndo(f"No run of deal {deal_id} was cancelled.")
    if not latest.can_undo:
        raise NothingToUndo(f"Run {latest.number} was cancelled more than {UNDO_SECONDS} s ago. Retry the deal.")
    if latest.status is RunStatus.RUNNING:
        await session.execute(_WITHDRAW, {"run_id": latest.run_id})
        return Done(f"Run {latest.number} of deal {deal_id} goes on.", latest.run_id)
    if latest.status is not RunStatus.CANCELLED:
        raise NothingToUndo(f"Run {latest.number} of deal {deal_id} had ended before: it is {latest.status.lower()}.")
    return await _again(session, asking, deal_id, latest)


async def _again(session: AsyncSession, asking: Asking, deal_id: int, latest: LatestRun) -> Done:
    run = NewRun(
        deal_id=deal_id,
        trigger=RunTrigger.MANUAL,
        priority=Priority.NEW,
        stages=asking.stages,
        requested_by=asking.actor,
        carried=await finished_stages(session, latest.run_id, asking.stages),
        carried_from=latest.run_id,
    )
    started = await begin(session, run)
    return Done(f"Run {started.number} of deal {deal_id} goes on where run {latest.number} was.", started.run_id)
