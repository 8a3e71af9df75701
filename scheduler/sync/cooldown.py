"""The pause of all syncs after HubSpot has refused something that only a person can change."""

from core.clock import Clock


class Cooldown:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_at = float("-inf")
        # What HubSpot has refused: a sentence.
        self.reason = ""

    def start(self, seconds: float, reason: str) -> None:
        self._ends_at = self._clock.monotonic() + seconds
        self.reason = reason

    def is_active(self) -> bool:
        return self._clock.monotonic() < self._ends_at
