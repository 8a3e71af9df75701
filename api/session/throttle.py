"""Guessing credentials is made slow; using a right one never is."""

from core.clock import Clock, SystemClock

WINDOW_SECONDS = 10.0
# A hand does not fail so often; a program that guesses does.
MOST_FAILURES = 40
# Addresses; a full memory is emptied.
REMEMBERED = 10_000


class Throttle:
    """Counts the failures of each address in windows of ten seconds."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._failures: dict[str, tuple[float, int]] = {}

    def failed(self, address: str) -> bool:
        """Note one more failure; True when there are too many of them."""
        now = self._clock.monotonic()
        since, count = self._failures.get(address, (now, 0))
        if now - since >= WINDOW_SECONDS:
            since, count = now, 0
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()
        self._failures[address] = (since, count + 1)
        return count + 1 > MOST_FAILURES
