"""Retry: another run that takes up where the last one ended, at a stage that is named, or from the first stage."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus, RunTrigger
from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.operations.begin import before, begin, finished_stages, keys_of
from pipeline.operations.errors import AlreadyRunning, NotFound, NothingToRetry
from pipeline.operations.latest import LatestRun, lock_latest
from pipeline.queue import Priority
from pipeline.runs.start import NewRun

_OF_DEAL = text("SELECT id, number, status::text FROM pipeline_runs WHERE id = :run_id AND deal_id = :deal_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Where the new run begins; by default at the first stage that the last run has not finished.

    `run_id` names another run of the deal, whose outputs are carried over instead of the last one's.
    """

    stage: str | None = None
    whole: bool = False
    run_id: int | None = None


async def retry(asking: Asking, deal_id: int, at: From | None = None) -> Done:
    """AlreadyRunning, NotFound, NothingToRetry, UnknownStage or StageNotReached when it is refused."""
    at = at or From()
    arguments = {"stage": at.stage, "whole": at.whole or None, "run_id": at.run_id}
    work = partial(retry_in, asking=asking, deal_id=deal_id, at=at, priority=Priority.NEW)
    return await audited(asking, Action("retry", f"deal:{deal_id}", arguments), work)


async def retry_in(session: AsyncSession, *, asking: Asking, deal_id: int, at: From, priority: Priority) -> Done:
    """The same within the caller's transaction, without the audit row."""
    latest = await _ended(session, deal_id)
    source = await _run_of(session, deal_id, latest.run_id if at.run_id is None else at.run_id)
    finished = [] if at.whole else await finished_stages(session, source.id, asking.stages)
    if at.stage is not None:
        finished = list(before(at.stage, finished, asking.stages))
    elif not at.whole and source.status == RunStatus.DONE:
        raise NothingToRetry(f"Run {source.number} of deal {deal_id} is done. Name a stage, or ask for the whole run.")
    run = NewRun(
        deal_id=deal_id,
        trigger=RunTrigger.RETRY,
        priority=priority,
        stages=asking.stages,
        requested_by=asking.actor,
        carried=finished,
        carried_from=source.id,
    )
    started = await begin(session, run)
    keys = keys_of(asking.stages)
    return Done(f"Run {started.number} of deal {deal_id} is queued{_where(keys, len(finished))}.", started.run_id)


async def _ended(session: AsyncSession, deal_id: int) -> LatestRun:
    latest = await lock_latest(session, deal_id)
    if latest is None:
        raise NothingToRetry(f"Deal {deal_id} has no run yet.")
    if latest.is_active:
        raise AlreadyRunning(f"Run {latest.number} of deal {deal_id} is {latest.status.lower()}.")
    return latest


async def _run_of(session: AsyncSession, deal_id: int, run_id: int) -> Row[Any]:
    """The run whose outputs are taken up."""
    row = (await session.execute(_OF_DEAL, {"run_id": run_id, "deal_id": deal_id})).one_or_none()
    if row is None:
        raise NotFound(f"Deal {deal_id} has no run {run_id}.")
    return row


def _where(keys: list[str], position: int) -> str:
    return f", from {keys[position]}" if 0 < position < len(keys) else ""
