"""Takes one deal through its stages: each step's start and end is committed as it happens, under the run's lease."""

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
from pipeline.worker.lease_keeper import keep

log = structlog.get_logger()

# While the database refuses: how long until the next try, at first and at most.
FIRST_TRY_SECONDS = 0.25
LONGEST_TRY_SECONDS = 4.0
# A suspect that finds another one running looks again so much later.
SUSPECT_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class Course:
    """How far a run has come in this worker's hands: `position` is the stage that is begun."""

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
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """While `paused` says so, each run goes back to the queue when its present stage has ended."""
        self._database = database
        self._runs = runs
        self._stages = {stage.key: stage for stage in stages}
        self._crm = crm
        self._catalog = catalog
        self._clock = clock
        self._worker = worker
        self._paused = paused
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """From now on each run goes back to the queue when its present stage has ended."""
        self._draining.set()

    async def process(self, deal_id: int) -> None:
        """Claim the deal's active run and take it as far as it goes; nothing to claim is nothing to do."""
        if (lease := await self._claim(deal_id)) is None:
            return
        with structlog.contextvars.bound_contextvars(run_id=lease.run_id, hubspot_deal_id=lease.hubspot_deal_id):
            await self._process(Course(lease, lease.position, dict(lease.outputs)))

    async def _claim(self, deal_id: int) -> Lease | None:
        """Tried until the database answers: this job is the run's only one.

        Where a claim was committed and its answer lost, the next finds nothing: the run waits until its lease is over.
        """
        pauses = _pauses()
        while True:
            try:
                return await self._claimed(deal_id)
            except DatabaseUnavailable as error:
                log.warning("run.not_claimed", deal_id=deal_id, error=str(error))
                if self._draining.is_set():
                    raise
            await asyncio.sleep(next(pauses))

    async def _claimed(self, deal_id: int) -> Lease | None:
        lease = await self._runs.claim(deal_id, worker=self._worker)
        if lease is None:
            waits = await self._runs.postpone(deal_id, seconds=SUSPECT_LOOK_SECONDS)
            log.info("run.not_claimable", deal_id=deal_id, postponed=waits)
        return lease

    async def _process(self, course: Course) -> None:
        try:
            await self._keep_and_run(course)
        except asyncio.CancelledError:
            # The grace is over. Whoever cancelled us waits until the run is back in the queue.
            await asyncio.shield(self._leave(course.lease, outcome.interrupted(course.position)))
            raise

    async def _keep_and_run(self, course: Course) -> None:
        lease = course.lease
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(keep(self._runs, lease))
                await self._run(course)
                keeper.cancel()
        except* LeaseLost:
            log.warning("run.lease_lost", epoch=lease.epoch)
        except* CancelRequested:
            await self._leave(lease, outcome.cancelled(course.position))
        except* DatabaseUnavailable as errors:
            log.warning("run.refused", error=str(errors.exceptions[0]))
            await self._leave(lease, outcome.refused(course.position, errors.exceptions[0]))

    async def _run(self, course: Course) -> None:
        lease = course.lease
        if unknown := [key for key in lease.stages if key not in self._stages]:
            log.error("run.blocked", stages=unknown)
            await self._move(lease, outcome.blocked())
            return
        moved = await self._move(lease, outcome.after(lease, course.position))
        while moved.attempt is not None:
            transition = await self._attempt(course, moved.failures)
            moved = await self._move(lease, transition)
            if transition.end is not None:
                course.outputs[lease.stages[course.position]] = transition.end.output
            if moved.attempt is not None:
                course.position += 1

    async def _attempt(self, course: Course, failures: int) -> Transition:
        """Run one stage once; what becomes of the run then."""
        lease, position = course.lease, course.position
        stage = self._stages[lease.stages[position]]
        try:
            async with asyncio.timeout(stage.timeout_seconds):
                result = await stage.run(self._context(lease, stage, course.outputs))
        except SkipRun as skip:
            return outcome.skipped(position, skip)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises is the run's outcome, not the worker's
            return outcome.failed(stage, position, failures, error)
        handed_back = self._draining.is_set() or self._paused()
        return outcome.succeeded(lease, position, result, handed_back=handed_back)

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

    async def _leave(self, lease: Lease, to: Transition) -> None:
        """The last write to a run in this worker's hands: tried for as long as the database refuses and we may."""
        pauses = _pauses()
        while True:
            try:
                await self._move(lease, to)
            except LeaseLost:
                log.warning("run.lease_lost", epoch=lease.epoch)
            except DatabaseUnavailable as error:
                log.warning("run.not_left", error=str(error))
                if not self._draining.is_set():
                    await asyncio.sleep(next(pauses))
                    continue
            return

    async def _move(self, lease: Lease, to: Transition) -> Moved:
        if to.status is not RunStatus.RUNNING:
            log.info("run.moved", status=to.status, reason=to.reason, error=to.end and to.end.error_message)
        if to.status in (RunStatus.QUEUED, RunStatus.RETRYING):
            return await self._runs.leave(lease, to)
        return await self._runs.move(lease, to)


def _pauses() -> Iterator[float]:
    pause = FIRST_TRY_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_TRY_SECONDS)
