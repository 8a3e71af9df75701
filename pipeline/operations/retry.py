"""Retries a deal: a new run that begins where the last one ended, at a named stage, or at the first stage."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import begin, finished_before, finished_stages
from pipeline.operations.errors import AlreadyRunning, NotFound, NothingToRetry
from pipeline.operations.latest import lock_latest
from pipeline.queue import Priority
from pipeline.runs.latest import LatestRun
from pipeline.runs.starting import NewRun

_OF_DEAL = text("SELECT id, number, status::text FROM pipeline_runs WHERE id = :run_id AND deal_id = :deal_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryFrom:
    """Where the new run begins; by default at the first stage that the last run has not finished.

    `run_id` names another run of the deal, whose outputs are carried over instead of the last one's.
    """

    stage: str | None = None
    whole: bool = False
    run_id: int | None = None


async def retry(
    context: OperationContext, deal_id: int, at: RetryFrom | None = None, priority: Priority = Priority.NEW
) -> OperationResult:
    """Refused with AlreadyRunning, NotFound, NothingToRetry, UnknownStage or StageNotReached."""
    at = at or RetryFrom()
    arguments = {"stage": at.stage, "whole": at.whole or None, "run_id": at.run_id}
    async with audited(context, Action("retry", f"deal:{deal_id}", arguments)) as operation:
        latest = await _lock_ended(operation.session, deal_id)
        run_id = latest.run_id if at.run_id is None else at.run_id
        source = (await operation.session.execute(_OF_DEAL, {"run_id": run_id, "deal_id": deal_id})).one_or_none()
        if source is None:
            raise NotFound(f"Deal {deal_id} has no run {run_id}.")
        finished = [] if at.whole else await finished_stages(operation.session, source.id, context.stages)
        if at.stage is not None:
            finished = finished_before(at.stage, finished, context.stages)
        elif not at.whole and source.status == RunStatus.DONE:
            done = f"Run {source.number} of deal {deal_id} is done."
            raise NothingToRetry(f"{done} Name a stage, or request the whole run.")
        run = NewRun(
            deal_id=deal_id,
            trigger=RunTrigger.RETRY,
            priority=priority,
            stages=context.stages,
            requested_by=context.actor,
            carried=finished,
            carried_from=source.id,
        )
        started = await begin(operation.session, run)
        first = len(finished)
        where = f", from {context.stages[first].key}" if 0 < first < len(context.stages) else ""
        return operation.done(f"Run {started.number} of deal {deal_id} is queued{where}.", run_id=started.run_id)


async def _lock_ended(session: AsyncSession, deal_id: int) -> LatestRun:
    """The latest run, which has ended."""
    latest = await lock_latest(session, deal_id)
    if latest is None:
        raise NothingToRetry(f"Deal {deal_id} has no run yet.")
    if latest.is_active:
        raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is {latest.status.lower()}.")
    return latest
