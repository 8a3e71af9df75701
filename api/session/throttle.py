"""Slows down guessing of credentials; a valid credential is never throttled."""

from core.clock import Clock, SystemClock

WINDOW_SECONDS = 10.0
# More than a person mistypes, fewer than a guessing program tries.
MAX_FAILURES = 40
# Addresses; at this many, all counts are dropped.
MAX_ADDRESSES = 10_000


class Throttle:
    """Counts the failures of each address in windows of ten seconds."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._failures: dict[str, tuple[float, int]] = {}

    def failed(self, address: str) -> bool:
        """Count one more failure; True if there are now too many."""
        now = self._clock.monotonic()
        window_start, count = self._failures.get(address, (now, 0))
        if now - window_start >= WINDOW_SECONDS:
            window_start, count = now, 0
        if len(self._failures) >= MAX_ADDRESSES:
            self._failures.clear()
        self._failures[address] = (window_start, count + 1)
        return count + 1 > MAX_FAILURES
