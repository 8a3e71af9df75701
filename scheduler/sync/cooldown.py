"""The pause of all syncs after HubSpot has refused something that only a person can change."""

from core.clock import Clock


class Cooldown:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_at = float("-inf")

    def start(self, seconds: float) -> None:
        self._ends_at = self._clock.monotonic() + seconds

    def is_active(self) -> bool:
        return self._clock.monotonic() < self._ends_at
