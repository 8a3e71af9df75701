"""Takes one deal through its stages: each step's start and end is committed as it happens, under the run's lease."""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from procrastinate import App
from sqlalchemy.exc import DBAPIError

from core.clock import Clock
from core.database import Database
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.errors import DailyLimitReached, TransientCrmError
from models import RunReason, RunStatus, StepStatus
from pipeline.queue import defer
from pipeline.runs.lease import Lease, LeaseLost, claim, renew
from pipeline.runs.transition import Moved, StepEnd, Transition, move, set_job
from pipeline.stage import SkipRun, Stage, StageContext, StageFailed, StageResult

log = structlog.get_logger()

# What may pass by itself: HubSpot's bad moments, a time-out, a database that is away.
TRANSIENT = (TransientCrmError, TimeoutError, OSError, DBAPIError)
# When HubSpot has no calls left for today: that is no fault of the deal's and uses up none of its attempts.
NEXT_DAY_LOOK_SECONDS = 600.0


class Runner:
    """One per worker process; `process` may run for many deals at a time."""

    def __init__(
        self,
        *,
        database: Database,
        app: App,
        stages: Sequence[Stage],
        crm: HubSpot,
        catalog: Catalog,
        clock: Clock,
        worker: str,
        lease_seconds: float,
    ) -> None:
        self._database = database
        self._app = app
        self._stages = {stage.key: stage for stage in stages}
        self._crm = crm
        self._catalog = catalog
        self._clock = clock
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._draining = False

    def drain(self) -> None:
        """From now on each run goes back to the queue when its present stage has ended."""
        self._draining = True

    async def process(self, deal_id: int) -> None:
        """Claim the deal's active run and take it as far as it goes; nothing to claim is nothing to do."""
        lease = await claim(self._database, deal_id, worker=self._worker, lease_seconds=self._lease_seconds)
        if lease is None:
            log.info("run.not_claimable", deal_id=deal_id)
            return
        with structlog.contextvars.bound_contextvars(run_id=lease.run_id, hubspot_deal_id=lease.hubspot_deal_id):
            await self._process(lease)

    async def _process(self, lease: Lease) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep(lease))
                await self._run(lease)
                keeper.cancel()
        except* LeaseLost:
            log.warning("run.lease_lost", epoch=lease.epoch)

    async def _keep(self, lease: Lease) -> None:
        """Renew the lease for as long as the run goes on; losing it cancels the stage that runs."""
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await renew(self._database, lease, lease_seconds=self._lease_seconds)
            except (OSError, DBAPIError) as error:
                # The next renewal may succeed; if none does, the lease runs out and the epoch protects the run.
                log.warning("run.lease_not_renewed", error=str(error))

    async def _run(self, lease: Lease) -> None:
        if unknown := [key for key in lease.stages if key not in self._stages]:
            log.error("run.blocked", stages=unknown)
            await self._move(lease, Transition(status=RunStatus.FAILED, reason=RunReason.BLOCKED_BY_UNKNOWN_STAGE))
            return
        outputs = dict(lease.outputs)
        position = lease.position
        moved = await self._move(lease, _after(lease, position))
        while moved.attempt is not None:
            transition = await self._attempt(lease, position, moved.attempt, outputs)
            moved = await self._move(lease, transition)
            if transition.end is not None:
                outputs[lease.stages[position]] = transition.end.output
            position += 1

    async def _attempt(self, lease: Lease, position: int, attempt: int, outputs: Mapping[str, Any]) -> Transition:
        """Run one stage once; what becomes of the run then."""
        stage = self._stages[lease.stages[position]]
        try:
            async with asyncio.timeout(stage.timeout_seconds):
                result = await stage.run(self._context(lease, stage, outputs))
        except asyncio.CancelledError:
            await asyncio.shield(self._move(lease, _interrupted(position)))
            raise
        except SkipRun as skip:
            end = StepEnd(position, StepStatus.SKIPPED, error_message=str(skip))
            return Transition(status=RunStatus.SKIPPED, reason=skip.reason, end=end)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is the run's outcome, not the worker's
            return _failed(stage, position, attempt, error)
        return self._succeeded(lease, position, result)

    def _context(self, lease: Lease, stage: Stage, outputs: Mapping[str, Any]) -> StageContext:
        return StageContext(
            deal_id=lease.deal_id,
            hubspot_deal_id=lease.hubspot_deal_id,
            run_id=lease.run_id,
            idempotency_key=f"{lease.run_id}:{stage.key}",
            outputs=outputs,
            crm=self._crm,
            catalog=self._catalog,
            database=self._database,
            now=self._clock.now(),
        )

    def _succeeded(self, lease: Lease, position: int, result: StageResult) -> Transition:
        following = _after(lease, position + 1)
        if self._draining and following.begin is not None:
            following = Transition(status=RunStatus.QUEUED)
        return Transition(
            status=following.status,
            begin=following.begin,
            end=StepEnd(position, StepStatus.DONE, output=result.output.model_dump(mode="json")),
            company_ids=result.company_ids,
            contact_ids=result.contact_ids,
        )

    async def _move(self, lease: Lease, to: Transition) -> Moved:
        if to.status is not RunStatus.RUNNING:
            log.info("run.moved", status=to.status, reason=to.reason, error=to.end and to.end.error_message)
        if to.status in (RunStatus.QUEUED, RunStatus.RETRYING):
            return await self._hand_back(lease, to)
        return await move(self._database, lease, to, lease_seconds=self._lease_seconds)

    async def _hand_back(self, lease: Lease, to: Transition) -> Moved:
        """Back to the queue, with the job that brings the run again, in one transaction."""
        async with self._database.write() as session:
            moved = await move(session, lease, to, lease_seconds=self._lease_seconds)
            job_id = await defer(
                self._app, session, lease.deal_id, priority=lease.priority, not_before=moved.next_attempt_at
            )
            await set_job(session, lease, job_id)
        return moved


def _after(lease: Lease, position: int) -> Transition:
    """Begin the stage at `position`; the run is done when there is none."""
    if position < len(lease.stages):
        return Transition(begin=position)
    return Transition(status=RunStatus.DONE)


def _interrupted(position: int) -> Transition:
    end = StepEnd(
        position,
        StepStatus.PENDING,
        error_type="Interrupted",
        error_message="The worker was stopped in the middle of the stage.",
    )
    return Transition(status=RunStatus.QUEUED, end=end)


def _failed(stage: Stage, position: int, attempt: int, error: Exception) -> Transition:
    """Try again later when that may help, else the run has failed."""
    end = StepEnd(
        position,
        StepStatus.FAILED,
        error_type=type(error).__name__,
        error_message=str(error) or _words(stage, error),
        traceback="".join(traceback.format_exception(error)),
    )
    if isinstance(error, DailyLimitReached):
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=NEXT_DAY_LOOK_SECONDS)
    if isinstance(error, TRANSIENT) and attempt < stage.retry.attempts:
        return Transition(status=RunStatus.RETRYING, end=end, delay_seconds=stage.retry.delay_seconds(attempt))
    return Transition(status=RunStatus.FAILED, reason=error.reason if isinstance(error, StageFailed) else None, end=end)


def _words(stage: Stage, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"{stage.label} took longer than {stage.timeout_seconds:g} s."
    return f"{stage.label} ended with {type(error).__name__} and no message."
