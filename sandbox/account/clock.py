"""The sandbox's own time: it runs with the machine's, can be moved forward, and can be made to stand still.

Whatever has to do with time asks it: the `Date` header, stamps, the lag of the search index, limits, lively mode.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock


@dataclass(frozen=True, slots=True)
class _Instant:
    """What the clock underneath showed."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class ClockState:
    """Enough to put a clock back: how far ahead it was, and where it stood still, if it did."""

    ahead_seconds: float
    stopped: _Instant | None


class SandboxClock:
    """`base` plus an offset. It never goes back by itself, only when it is put back to a state."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead_seconds = 0.0
        self._stopped: _Instant | None = None

    @property
    def frozen(self) -> bool:
        return self._stopped is not None

    @property
    def state(self) -> ClockState:
        return ClockState(self._ahead_seconds, self._stopped)

    def now(self) -> datetime:
        return self._read().now + timedelta(seconds=self._ahead_seconds)

    def monotonic(self) -> float:
        return self._read().monotonic + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Forward by that much, standing still or not."""
        self._ahead_seconds += seconds

    def freeze(self) -> None:
        """Stand still from now on."""
        if self._stopped is None:
            self._stopped = self._read()

    def thaw(self) -> None:
        """Run on from where it stood."""
        if self._stopped is not None:
            missed = self._base.now() - self._stopped.now
            self._stopped = None
            self._ahead_seconds -= missed.total_seconds()

    def put_back(self, state: ClockState) -> None:
        """As it was in that state: as far ahead of the clock underneath, or standing where it stood."""
        self._ahead_seconds, self._stopped = state.ahead_seconds, state.stopped

    def _read(self) -> _Instant:
        return self._stopped or _Instant(self._base.now(), self._base.monotonic())
