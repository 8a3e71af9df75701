"""Clocks that always show the same time of day, for what must not depend on when a test runs."""

import time
from datetime import UTC, datetime


class Noon:
    """The clock of one day in 2026, which the data do not depend on otherwise. Only its seconds pass."""

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Evening(Noon):
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 23, 59, tzinfo=UTC)
