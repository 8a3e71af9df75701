"""The sandbox's clock: it follows the machine's clock, can be advanced, and can be frozen.

Everything that depends on time reads it: the `Date` header, timestamps, the lag of the search index, rate limits and
background edits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import Clock


@dataclass(frozen=True, slots=True)
class _Instant:
    """A reading of the base clock."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class ClockState:
    """What restoring a clock needs: its offset, and the reading at which it was frozen, if it was."""

    ahead_seconds: float
    frozen_at: _Instant | None


class SandboxClock:
    """`base` plus an offset. It moves backwards only when a state is restored."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead_seconds = 0.0
        self._frozen_at: _Instant | None = None

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    def state(self) -> ClockState:
        return ClockState(self._ahead_seconds, self._frozen_at)

    def now(self) -> datetime:
        return self._read().now + timedelta(seconds=self._ahead_seconds)

    def monotonic(self) -> float:
        return self._read().monotonic + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Move forward, whether the clock is frozen or not."""
        self._ahead_seconds += seconds

    def freeze(self) -> None:
        if self._frozen_at is None:
            self._frozen_at = self._read()

    def thaw(self) -> None:
        """Continue from the time at which the clock was frozen."""
        if self._frozen_at is not None:
            missed = self._base.now() - self._frozen_at.now
            self._frozen_at = None
            self._ahead_seconds -= missed.total_seconds()

    def restore(self, state: ClockState) -> None:
        self._ahead_seconds, self._frozen_at = state.ahead_seconds, state.frozen_at

    def _read(self) -> _Instant:
        return self._frozen_at or _Instant(self._base.now(), self._base.monotonic())
