"""Runs the jobs until the process is told to stop, and ends within 5 s then, whatever was under way."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from datetime import datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.context import Context
from scheduler.jobs import Job

log = structlog.get_logger()

# Six missed turns: a job that hangs so long is cut off, else it would block its own next turn for ever.
TURNS_BEFORE_CUT = 6
SHORTEST_CUT_SECONDS = 60.0
STOP_SECONDS = 4.0


class Runtime:
    def __init__(self, context: Context, jobs: Sequence[Job]) -> None:
        self._context = context
        self._running: set[asyncio.Task[None]] = set()
        # Memory store: nothing of the schedule is worth keeping, the state is in our own tables.
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for job in jobs:
            self._add(job)

    def _add(self, job: Job) -> None:
        seconds = job.seconds(self._context.settings)
        self._scheduler.add_job(
            self._turn, "interval", args=[job, seconds], seconds=seconds, id=job.name, next_run_time=_now(self._context)
        )

    async def _turn(self, job: Job, seconds: float) -> None:
        task = asyncio.create_task(self._guarded(job, max(seconds * TURNS_BEFORE_CUT, SHORTEST_CUT_SECONDS)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # APScheduler swallows a cancelled job as an error; ours is ended by us alone.
        await asyncio.wait({task})

    async def _guarded(self, job: Job, cut_seconds: float) -> None:
        try:
            async with asyncio.timeout(cut_seconds):
                await job.run(self._context)
        except TimeoutError:
            log.warning("job.cut", job=job.name, seconds=cut_seconds)
        except Exception:
            log.exception("job.failed", job=job.name)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._scheduler.start()
        log.info("scheduler.started", jobs=[job.id for job in self._scheduler.get_jobs()])
        await stop.wait()
        await self._stop()

    async def _stop(self) -> None:
        """Cut what runs: a sync resumes behind its last page, every other job is one statement."""
        log.info("scheduler.stopping", running=len(self._running))
        self._scheduler.pause()
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)
        self._scheduler.shutdown(wait=False)
        log.info("scheduler.stopped")


def _now(context: Context) -> datetime:
    return context.clock.now()
