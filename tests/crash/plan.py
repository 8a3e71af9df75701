"""What a worker of these tests is told, and the points at which it may be told to die."""

import os
import signal
from dataclasses import dataclass

from tests.factories import STAGES

LEASE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Handed to a process of its own: plain values only."""

    database_url: str
    sink: tuple[str, int]
    name: str = "worker@crash"
    crash_at: str | None = None
    # How often the point is passed before the crash.
    spared: int = 0
    fail_once: str | None = None
    lease_seconds: float = LEASE_SECONDS
    stage_seconds: float = 0.0
    concurrency: int = 8
    fenced: bool = True
    clock_moved_hours: float = 0.0
    watchdog_seconds: float = 20.0
    stage_timeout_seconds: float = 30.0
    # A stage that never lets the event loop go on.
    blocking_stage: str | None = None
    # A stage that goes on when it is told to end.
    deaf_stage: str | None = None
    # A deal that kills its worker each time.
    poison: int | None = None
    grace_seconds: float = 5.0
    poll_seconds: float = 0.2
    # Whether each wake-up comes while the queue is just answering that it is empty.
    loses_wake_ups: bool = False
    database_retry_seconds: float = 5.0
    log: str = os.devnull
    # Touched when the worker begins to fetch jobs.
    ready: str = os.devnull


def _points() -> tuple[str, ...]:
    """Every place between two commits of a run without trouble, `inside` a statement that is not committed yet."""
    in_stages = [
        point for key in STAGES for point in (f"looked:{key}", f"called:{key}", f"end:{key}:inside", f"end:{key}:after")
    ]
    first = ("claim:before", "claim:inside", "claim:after", "begin:fetch:inside", "begin:fetch:after")
    return (*first, *in_stages, "returned")


POINTS = _points()
# Of a run whose stage has failed and is tried again later.
RETRY_POINTS = ("retry:inside", "returned")
RENEW_POINT = "renew:after"


def die() -> None:
    """As the kernel does when memory runs out: no handler runs, no connection is closed in good order."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fuse:
    """Kills the process when it comes to the planned point."""

    def __init__(self, point: str | None, spared: int = 0) -> None:
        self._point = point
        self._spared = spared

    def planned(self, point: str) -> bool:
        """Whether the process is to die here and now."""
        if point != self._point:
            return False
        self._spared -= 1
        return self._spared < 0

    def at(self, point: str) -> None:
        if self.planned(point):
            die()
