"""The cooldown pauses all syncs for a while."""

from core.clock import SystemClock
from scheduler.sync.cooldown import Cooldown


class SetClock(SystemClock):
    """Its monotonic time is set by the test."""

    seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


def test_it_is_active_from_its_start_for_so_many_seconds() -> None:
    """And not before it was started."""
    clock = SetClock()
    cooldown = Cooldown(clock)
    assert not cooldown.is_active()
    cooldown.start(60, "HubSpot refused it.")
    clock.seconds += 59.9
    assert cooldown.is_active()
    clock.seconds += 0.1
    assert not cooldown.is_active()
