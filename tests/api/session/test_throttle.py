"""Failures are counted per address, and forgotten after ten seconds."""

from api.session.throttle import MAX_FAILURES, Throttle
from tests.api.session.manual_clock import ManualClock


def test_failures_are_counted_for_each_address_and_forgotten() -> None:
    """After ten seconds an address starts again at none; another address is never affected."""
    clock = ManualClock()
    throttle = Throttle(clock)
    assert [throttle.failed("a") for _ in range(MAX_FAILURES + 1)] == [False] * MAX_FAILURES + [True]
    assert not throttle.failed("b")
    clock.seconds = 109.9
    assert throttle.failed("a")
    clock.seconds = 110.0
    assert not throttle.failed("a")
