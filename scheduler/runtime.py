"""Runs the jobs while this scheduler leads, and ends within 5 s when told to stop, whatever is under way."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import SQLAlchemyError

from core.settings import Settings
from core.watchdog import Watchdog
from scheduler.context import Context
from scheduler.job_run import Turn
from scheduler.jobs import Job, take_over
from scheduler.leadership import RENEWALS, Leadership

log = structlog.get_logger()

# How soon a follower sees a lease that is free.
LEAD_SECONDS = 1.0
# A lost answer or two are no reason yet to end the process.
LEADS_BEFORE_STUCK = 5
# Six turns without progress: a job that hangs so long is cut off, else it would block its own next turn for ever.
TURNS_BEFORE_CUT = 6
SHORTEST_CUT_SECONDS = 60.0
STOP_SECONDS = 4.0
RELEASE_SECONDS = 0.8


class Runtime:
    """`begin` is called whenever it begins to lead, before the first turn of any job."""

    def __init__(
        self,
        context: Context,
        jobs: Sequence[Job],
        leadership: Leadership,
        watchdog: Watchdog,
        *,
        begin: Callable[[Context], Awaitable[None]] = take_over,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._leadership = leadership
        self._watchdog = watchdog
        self._begin = begin
        self._turns: set[Turn] = set()
        # The fence under which the jobs are running; None while another scheduler leads.
        self._fence: int | None = None
        self._over: asyncio.TimerHandle | None = None
        self._told_to_stop = asyncio.Event()
        # Memory store: nothing of the schedule is worth keeping, the state is in our own tables.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._told_to_stop.set)
        self._schedule("lead", self._lead, _lead_seconds(self._context.settings))
        self._scheduler.start()
        log.info("scheduler.started", jobs=[job.name for job in self._jobs])
        await self._told_to_stop.wait()
        await self._stop()

    def _schedule(self, name: str, call: Callable[..., Awaitable[None]], seconds: float, *arguments: object) -> None:
        self._scheduler.add_job(
            call, "interval", args=arguments, seconds=seconds, id=name, next_run_time=self._context.clock.now()
        )

    async def _lead(self) -> None:
        """Learn who leads and obey. That APScheduler calls it and the database answers is the proof that we work."""
        try:
            await self._leadership.tick()
            await self._obey()
        except (OSError, SQLAlchemyError) as error:
            log.warning("database.unreachable", error=str(error))
            return
        ending = [turn.name for turn in self._turns if turn.is_cut]
        if ending:
            log.warning("job.still_ending", jobs=ending)
        else:
            self._watchdog.beat()

    async def _obey(self) -> None:
        fence = self._leadership.fence
        if fence != self._fence:
            self._follow()
        # The next leader may be ourselves: nothing of our former time may run into it.
        if fence is not None and self._fence is None and not self._turns:
            await self._start(replace(self._context, fence=fence))
        self._watch_the_time()

    async def _start(self, context: Context) -> None:
        await self._begin(context)
        if self._told_to_stop.is_set():
            return
        self._fence = context.fence
        log.info("scheduler.leads", fence=context.fence)
        for job in self._jobs:
            self._schedule(job.name, self._turn, job.seconds(context.settings), job, context)

    def _watch_the_time(self) -> None:
        """A leader that hears nothing more from the database ends its jobs before another one can begin."""
        if self._over is not None:
            self._over.cancel()
        self._over = asyncio.get_running_loop().call_later(self._leadership.remaining_seconds, self._follow)

    def _follow(self) -> None:
        if self._fence is None:
            return
        log.warning("scheduler.follows", fence=self._fence, running=len(self._turns))
        self._fence = None
        for job in self._jobs:
            self._scheduler.remove_job(job.name)
        self._cut()

    def _cut(self) -> None:
        for turn in self._turns:
            turn.cut()

    async def _turn(self, job: Job, context: Context) -> None:
        # APScheduler may have begun this before the stop or, after a freeze, before it calls `_lead`.
        if self._told_to_stop.is_set() or self._leadership.fence != context.fence:
            return
        seconds = max(job.seconds(context.settings) * TURNS_BEFORE_CUT, SHORTEST_CUT_SECONDS)
        turn = Turn(job, context, seconds)
        self._turns.add(turn)
        # APScheduler swallows a cancelled job as an error; ours is ended by us alone.
        await asyncio.wait({turn.task})
        self._turns.discard(turn)

    async def _stop(self) -> None:
        """Cut what runs: a sync resumes behind its last page, every other job is one statement."""
        log.info("scheduler.stopping", running=len(self._turns))
        self._watchdog.stop()
        self._scheduler.pause()
        if self._over is not None:
            self._over.cancel()
        self._cut()
        if tasks := [turn.task for turn in self._turns]:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if all(task.done() for task in tasks):
            await self._release()
        self._scheduler.shutdown(wait=False)
        log.info("scheduler.stopped")

    async def _release(self) -> None:
        """If the database is away, the lease ends by itself."""
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._leadership.release()
        except (OSError, SQLAlchemyError) as error:
            log.warning("lease.not_released", error=str(error))


def _lead_seconds(settings: Settings) -> float:
    """Seconds between two looks at the lease: often enough to renew it, and to show the watchdog that we work."""
    return min(LEAD_SECONDS, settings.leader_ttl_seconds / RENEWALS, settings.watchdog_seconds / LEADS_BEFORE_STUCK)
