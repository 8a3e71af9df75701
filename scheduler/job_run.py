"""One turn of a job, as a task that is cut off when it hangs, or when its scheduler leads no more."""

import asyncio
from dataclasses import replace

import structlog

from scheduler.context import Context
from scheduler.jobs import Job
from scheduler.leadership import LostLease

log = structlog.get_logger()


class Turn:
    """`patience_seconds` without progress are its end; each call of the context's `progress` gives them anew."""

    def __init__(self, job: Job, context: Context, patience_seconds: float) -> None:
        self.name = job.name
        self.is_cut = False
        self._patience_seconds = patience_seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(patience_seconds, self._hangs)
        self.task = asyncio.create_task(self._run(job, replace(context, progress=self._progress)))
        self.task.add_done_callback(lambda _: self._timer.cancel())

    async def _run(self, job: Job, context: Context) -> None:
        try:
            await job.run(context)
        except LostLease as error:
            log.warning("job.lost_lease", job=self.name, error=str(error))
        except Exception:
            log.exception("job.failed", job=self.name)

    def _progress(self) -> None:
        if not self.is_cut:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._patience_seconds, self._hangs)

    def _hangs(self) -> None:
        log.warning("job.cut", job=self.name, seconds=self._patience_seconds)
        self.cut()

    def cut(self) -> None:
        """Once: a job that does not end by it is beyond help, and the watchdog's business."""
        if not self.is_cut:
            self.is_cut = True
            self._timer.cancel()
            self.task.cancel()
