"""Clocks that stand still, for what must not depend on when a test runs."""

from datetime import UTC, datetime


class Noon:
    """The clock of one day in 2026, which the data do not depend on otherwise."""

    def now(self) -> datetime:
        return datetime(2026, 11, 2, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Evening(Noon):
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 23, 59, tzinfo=UTC)
