"""A gate before all syncs: shut for a while after HubSpot has refused what only a person can change."""

from core.clock import Clock


class Gate:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shut_until = float("-inf")

    def shut(self, seconds: float) -> None:
        self._shut_until = self._clock.monotonic() + seconds

    def is_shut(self) -> bool:
        return self._clock.monotonic() < self._shut_until
