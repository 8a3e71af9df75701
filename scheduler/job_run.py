"""One run of a job as a task, which is cancelled when it hangs or when its scheduler no longer leads."""

import asyncio
from dataclasses import replace

import structlog

from scheduler.context import JobContext
from scheduler.jobs import Job
from scheduler.leadership import LeadershipLost

log = structlog.get_logger()


class JobRun:
    """It is cancelled after `timeout_seconds` without progress; each `context.report_progress()` restarts the timer."""

    def __init__(self, job: Job, context: JobContext, timeout_seconds: float) -> None:
        self.name = job.name
        self.is_cancelled = False
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(timeout_seconds, self._time_out)
        self.task = asyncio.create_task(self._run(job, replace(context, report_progress=self._restart_timer)))
        self.task.add_done_callback(lambda _: self._timer.cancel())

    async def _run(self, job: Job, context: JobContext) -> None:
        try:
            await job.run(context)
        except LeadershipLost as error:
            log.warning("job.leadership_lost", job=self.name, error=str(error))
        except Exception:
            log.exception("job.failed", job=self.name)

    def _restart_timer(self) -> None:
        if not self.is_cancelled:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._timeout_seconds, self._time_out)

    def _time_out(self) -> None:
        log.warning("job.timed_out", job=self.name, seconds=self._timeout_seconds)
        self.cancel()

    def cancel(self) -> None:
        """Once only: a job that ignores its cancellation is left to the watchdog, which ends the process."""
        if not self.is_cancelled:
            self.is_cancelled = True
            self._timer.cancel()
            self.task.cancel()
