"""How a worker of these tests behaves, and the points at which it may crash."""

import os
import signal
from dataclasses import dataclass

from tests.factories import STAGES

LEASE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class WorkerPlan:
    """Sent to another process: plain values only."""

    database_url: str
    # The address of the external system that the stages call.
    external_system: tuple[str, int]
    name: str = "worker@crash"
    crash_at: str | None = None
    # A stage that fails at its first attempt.
    fail_once: str | None = None
    lease_seconds: float = LEASE_SECONDS
    stage_seconds: float = 0.0
    concurrency: int = 8
    fenced: bool = True
    clock_offset_hours: float = 0.0
    watchdog_seconds: float = 20.0
    stage_timeout_seconds: float = 30.0
    # A stage that blocks the event loop.
    blocking_stage: str | None = None
    # A stage that ignores its cancellation.
    uncancellable_stage: str | None = None
    # A deal that kills its worker each time.
    crashing_deal: int | None = None
    grace_seconds: float = 5.0
    poll_seconds: float = 0.2
    # Whether each wake-up arrives while the queue is answering that it has no job.
    loses_wake_ups: bool = False
    database_retry_seconds: float = 5.0
    log: str = os.devnull
    # Whether its log is a pipe whose reader was killed.
    breaks_log: bool = False
    # Touched when the worker begins to fetch jobs.
    ready: str = os.devnull


def _points() -> tuple[str, ...]:
    """Every point between two commits of a run without errors; `inside` is within a statement before its commit."""
    in_stages = [
        point
        for key in STAGES
        for point in (f"checked:{key}", f"applied:{key}", f"end:{key}:inside", f"end:{key}:after")
    ]
    first = ("claim:before", "claim:inside", "claim:after", "begin:fetch:inside", "begin:fetch:after")
    return (*first, *in_stages, "returned")


POINTS = _points()
# Of a run whose stage has failed and is retried later.
RETRY_POINTS = ("retry:inside", "returned")
RENEW_POINT = "renew:after"


def kill_own_process() -> None:
    """As the kernel does when memory runs out: no handler runs, and no connection is closed properly."""
    os.kill(os.getpid(), signal.SIGKILL)


class CrashPoint:
    """Kills the process when it reaches the planned point."""

    def __init__(self, point: str | None) -> None:
        self._point = point

    def is_planned(self, point: str) -> bool:
        return point == self._point

    def reach(self, point: str) -> None:
        if self.is_planned(point):
            kill_own_process()
