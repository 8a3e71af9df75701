"""Runs the jobs while this scheduler leads, and exits within 5 s of a stop signal, whatever is running."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core.errors import DatabaseUnavailable
from core.unavailable import answer_within
from core.watchdog import Watchdog
from scheduler.context import JobContext
from scheduler.job_run import JobRun
from scheduler.jobs import Job, take_over
from scheduler.leadership import RENEWALS, Leadership

log = structlog.get_logger()

# How soon a follower notices that the lease is free.
TICK_SECONDS = 1.0
# One or two lost answers are no reason to end the process.
TICKS_BEFORE_STUCK = 5
# A job is cancelled after six intervals without progress: a hanging run would block the next one indefinitely.
INTERVALS_BEFORE_TIMEOUT = 6
SHORTEST_TIMEOUT_SECONDS = 60.0
STOP_SECONDS = 4.0
RELEASE_SECONDS = 0.8


class Runtime:
    """Schedules the jobs when it begins to lead, and cancels them when it no longer does."""

    def __init__(self, context: JobContext, jobs: Sequence[Job], leadership: Leadership, watchdog: Watchdog) -> None:
        self._context = context
        self._jobs = jobs
        self._leadership = leadership
        self._watchdog = watchdog
        self._job_runs: set[JobRun] = set()
        # The fence under which the jobs are running; None while another scheduler leads.
        self._fence: int | None = None
        self._lease_timer: asyncio.TimerHandle | None = None
        self._stop_requested = asyncio.Event()
        # Memory store: the schedule need not survive a restart, all state is in our own tables.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop_requested.set)
        settings = self._context.settings
        # Often enough to renew the lease, and to show the watchdog that the process works.
        tick_seconds = min(
            TICK_SECONDS, settings.leader_ttl_seconds / RENEWALS, settings.watchdog_seconds / TICKS_BEFORE_STUCK
        )
        self._schedule("leadership", self._tick, tick_seconds)
        self._scheduler.start()
        log.info("scheduler.started", jobs=[job.name for job in self._jobs])
        await self._stop_requested.wait()
        await self._stop()

    def _schedule(self, name: str, call: Callable[..., Awaitable[None]], seconds: float, *arguments: object) -> None:
        self._scheduler.add_job(
            call, "interval", args=arguments, seconds=seconds, id=name, next_run_time=self._context.clock.now()
        )

    async def _tick(self) -> None:
        """Check the lease and act on it. For the watchdog, a database that can be written proves that it works."""
        try:
            await self._leadership.tick()
            await self._apply_leadership()
            # The lease is mostly only read.
            async with answer_within(self._context.settings.watchdog_seconds / TICKS_BEFORE_STUCK):
                await self._context.database.check_writable()
        except DatabaseUnavailable as error:
            log.warning("database.unreachable", error=str(error))
            return
        if cancelled := [run.name for run in self._job_runs if run.is_cancelled]:
            log.warning("job.cancellation_pending", jobs=cancelled)
        else:
            self._watchdog.beat()

    async def _apply_leadership(self) -> None:
        fence = self._leadership.fence
        if fence != self._fence:
            self._stop_leading()
        # This scheduler may lead again: no job run under the former fence may overlap with the new ones.
        if fence is not None and self._fence is None and not self._job_runs:
            await self._start_leading(replace(self._context, fence=fence))
        # A leader that no longer reaches the database cancels its jobs before another scheduler can begin.
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        self._lease_timer = asyncio.get_running_loop().call_later(
            self._leadership.remaining_seconds, self._stop_leading
        )

    async def _start_leading(self, context: JobContext) -> None:
        await take_over(context)
        if self._stop_requested.is_set():
            return
        self._fence = context.fence
        log.info("scheduler.became_leader", fence=context.fence)
        for job in self._jobs:
            self._schedule(job.name, self._run_job, job.seconds(context.settings), job, context)

    def _stop_leading(self) -> None:
        if self._fence is None:
            return
        log.warning("scheduler.became_follower", fence=self._fence, running=len(self._job_runs))
        self._fence = None
        for job in self._jobs:
            self._scheduler.remove_job(job.name)
        self._cancel_jobs()

    def _cancel_jobs(self) -> None:
        for run in self._job_runs:
            run.cancel()

    async def _run_job(self, job: Job, context: JobContext) -> None:
        # APScheduler may have started this before the stop or, after a freeze, before it calls `_tick`.
        if self._stop_requested.is_set() or self._leadership.fence != context.fence:
            return
        timeout_seconds = max(job.seconds(context.settings) * INTERVALS_BEFORE_TIMEOUT, SHORTEST_TIMEOUT_SECONDS)
        run = JobRun(job, context, timeout_seconds)
        self._job_runs.add(run)
        # Awaiting the task itself would raise its cancellation here, which APScheduler takes for an error.
        await asyncio.wait({run.task})
        self._job_runs.discard(run)

    async def _stop(self) -> None:
        """Cancel the running jobs: a sync resumes behind its last page, the other jobs use short transactions."""
        log.info("scheduler.stopping", running=len(self._job_runs))
        self._watchdog.stop()
        self._scheduler.pause()
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        self._cancel_jobs()
        if tasks := [run.task for run in self._job_runs]:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if all(task.done() for task in tasks):
            await self._release()
        self._scheduler.shutdown(wait=False)
        log.info("scheduler.stopped")

    async def _release(self) -> None:
        """If the database is unavailable, the lease expires."""
        try:
            async with answer_within(RELEASE_SECONDS):
                await self._leadership.release()
        except DatabaseUnavailable as error:
            log.warning("lease.not_released", error=str(error))
