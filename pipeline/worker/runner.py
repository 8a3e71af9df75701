"""Takes one deal through its stages. The start and the end of each step are committed when they happen."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from core.clock import Clock
from core.database import Database
from core.errors import DatabaseUnavailable
from crm.catalog import Catalog
from crm.client import HubSpot
from models import RunStatus
from pipeline.runs.lease import CancelRequested, Lease, LeaseLost
from pipeline.runs.store import RunStore
from pipeline.runs.transition import Moved, Transition
from pipeline.stages.stage import SkipRun, Stage, StageContext
from pipeline.worker import outcome
from pipeline.worker.lease_keeper import keep_lease

log = structlog.get_logger()

# Back-off while the database is unavailable.
FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 4.0
# A suspected run that finds another one running is delivered again after this time.
SUSPECT_RETRY_SECONDS = 1.0


@dataclass(slots=True)
class RunProgress:
    """How far this worker has taken a run: `position` is that of the stage that it has begun."""

    lease: Lease
    position: int
    outputs: dict[str, Any] = field(default_factory=dict)


class Runner:
    """One per worker process; `process` may run for many deals at a time."""

    def __init__(
        self,
        *,
        database: Database,
        runs: RunStore,
        stages: Sequence[Stage],
        crm: HubSpot,
        catalog: Catalog,
        clock: Clock,
        worker: str,
        incarnation: str | None = None,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """While `paused()` is true, each run is requeued when its current stage has ended."""
        self._database = database
        self._runs = runs
        self._stages = {stage.key: stage for stage in stages}
        self._crm = crm
        self._catalog = catalog
        self._clock = clock
        self._worker = worker
        self._incarnation = incarnation
        self._paused = paused
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Requeue each run from now on when its current stage has ended."""
        self._draining.set()

    async def process(self, deal_id: int) -> None:
        """Claim the deal's active run and take it through its stages. Do nothing when no run can be claimed."""
        if (lease := await self._claim(deal_id)) is None:
            return
        progress = RunProgress(lease, lease.position, dict(lease.outputs))
        with structlog.contextvars.bound_contextvars(run_id=lease.run_id, hubspot_deal_id=lease.hubspot_deal_id):
            try:
                await self._run_under_lease(progress)
            except asyncio.CancelledError:
                # The grace period has ended. The caller that cancelled us waits until the run is requeued.
                await asyncio.shield(self._release(lease, outcome.interrupted(progress.position)))
                raise

    async def _claim(self, deal_id: int) -> Lease | None:
        """Retries until the database answers, because this job is the run's only one.

        If a claim was committed and its answer was lost, the next claim finds nothing: the run waits until its lease
        has expired.
        """
        delays = _backoff_delays()
        while True:
            try:
                if (
                    lease := await self._runs.claim(deal_id, worker=self._worker, incarnation=self._incarnation)
                ) is None:
                    postponed = await self._runs.postpone(deal_id, seconds=SUSPECT_RETRY_SECONDS)
                    log.info("run.not_claimable", deal_id=deal_id, postponed=postponed)
            except DatabaseUnavailable as error:
                log.warning("run.not_claimed", deal_id=deal_id, error=str(error))
                if self._draining.is_set():
                    raise
                await asyncio.sleep(next(delays))
            else:
                return lease

    async def _run_under_lease(self, progress: RunProgress) -> None:
        lease = progress.lease
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(keep_lease(self._runs, lease))
                await self._run_stages(progress)
                keeper.cancel()
        except* LeaseLost:
            log.warning("run.lease_lost", epoch=lease.epoch)
        except* CancelRequested:
            await self._release(lease, outcome.cancelled(progress.position))
        except* DatabaseUnavailable as errors:
            log.warning("run.not_stored", error=str(errors.exceptions[0]))
            await self._release(lease, outcome.not_stored(progress.position, errors.exceptions[0]))
        except* Exception as errors:
            # A mistake of ours, not of a stage: without this the run would wait for its lease, and begin anew for ever.
            log.exception("run.not_processed")
            await self._release(lease, outcome.not_processed(progress.position, errors.exceptions[0]))

    async def _run_stages(self, progress: RunProgress) -> None:
        lease = progress.lease
        if unknown := [key for key in lease.stages if key not in self._stages]:
            log.error("run.blocked", stages=unknown)
            await self._move(lease, outcome.blocked())
            return
        moved = await self._move(lease, outcome.next_stage(lease, progress.position))
        waited_for = lease.waited_for
        while moved.attempt is not None:
            transition = await self._attempt_stage(progress, moved.failures)
            moved = await self._move(lease, transition)
            if waited_for and outcome.is_granted(waited_for, transition):
                await self._continue_waiting_runs(waited_for)
            waited_for = None
            if transition.end is not None:
                progress.outputs[lease.stages[progress.position]] = transition.end.output
            if moved.attempt is not None:
                progress.position += 1

    async def _continue_waiting_runs(self, waited_for: str) -> None:
        """Nothing is lost if it fails: the next run whose turn it is does the same."""
        try:
            continued = await self._runs.access_granted(waited_for)
        except DatabaseUnavailable as error:
            log.warning("runs.not_continued", waited_for=waited_for, error=str(error))
        else:
            log.info("runs.continued", waited_for=waited_for, count=continued)

    async def _attempt_stage(self, progress: RunProgress, failures: int) -> Transition:
        """Run one stage once; the transition that its outcome leads to."""
        lease, position = progress.lease, progress.position
        stage = self._stages[lease.stages[position]]
        try:
            async with asyncio.timeout(stage.timeout_seconds):
                result = await stage.run(self._context(lease, stage, progress.outputs))
        except SkipRun as skip:
            return outcome.skipped(position, skip)
        except Exception as error:  # noqa: BLE001 - an error of a stage fails its run, never the worker
            return outcome.failed(stage, position, failures, error)
        return outcome.succeeded(lease, position, result, requeue=self._draining.is_set() or self._paused())

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

    async def _release(self, lease: Lease, to: Transition) -> None:
        """This worker's last write to the run: retried while the database is unavailable, until the worker drains."""
        delays = _backoff_delays()
        while True:
            try:
                await self._move(lease, to)
            except LeaseLost:
                log.warning("run.lease_lost", epoch=lease.epoch)
            except DatabaseUnavailable as error:
                log.warning("run.not_released", error=str(error))
                if not self._draining.is_set():
                    await asyncio.sleep(next(delays))
                    continue
            return

    async def _move(self, lease: Lease, to: Transition) -> Moved:
        if to.status is not RunStatus.RUNNING:
            log.info("run.moved", status=to.status, reason=to.reason, error=to.end and to.end.error_message)
        if to.status in (RunStatus.QUEUED, RunStatus.RETRYING):
            return await self._runs.leave(lease, to)
        return await self._runs.move(lease, to)


def _backoff_delays() -> Iterator[float]:
    delay = FIRST_BACKOFF_SECONDS
    while True:
        yield delay
        delay = min(delay * 2, LONGEST_BACKOFF_SECONDS)
