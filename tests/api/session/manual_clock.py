"""A clock that stands still until the test moves it."""

from datetime import datetime


class ManualClock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        raise AssertionError("the monotonic clock is the only one that is read")
