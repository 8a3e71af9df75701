"""What is left of the shared budget, for people who look."""

from dataclasses import dataclass
from datetime import datetime

from core.database import Database
from pipeline.budget_rows import LEFT


@dataclass(frozen=True, slots=True)
class Window:
    """Of at most `limit` calls in any `seconds`, `used` are; `blocked_until` after an answer of 429."""

    limit: int
    seconds: float
    used: int
    blocked_until: datetime | None


@dataclass(frozen=True, slots=True)
class DailyLeft:
    """Of the whole account, as HubSpot said it at `observed_at`; when it is low, we make no calls."""

    limit: int
    remaining: int
    observed_at: datetime
    is_low: bool


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """None for what no call has been made of yet, or what HubSpot has not told."""

    burst: Window | None
    search: Window | None
    daily: DailyLeft | None


async def budget_left(database: Database) -> BudgetLeft:
    """One statement."""
    rows = {row.policy: row for row in await database.run(LEFT)}
    windows = {
        policy: Window(row.limit_calls, row.seconds, row.used, row.blocked_until)
        for policy, row in rows.items()
        if row.remaining is None
    }
    daily = rows.get("daily")
    return BudgetLeft(
        burst=windows.get("burst"),
        search=windows.get("search"),
        daily=DailyLeft(daily.limit_calls, daily.remaining, daily.observed_at, daily.is_low) if daily else None,
    )
