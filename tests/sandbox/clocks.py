"""Clocks that always show the same time of day, for tests that must not depend on when they run."""

import time
from datetime import UTC, datetime


class Noon:
    """The noon of one day in 2026. Only the monotonic seconds pass."""

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Evening(Noon):
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 23, 59, tzinfo=UTC)
