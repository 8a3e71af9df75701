"""The budget as the client uses it: `SharedBudget` for all processes together, `LocalBudget` for one alone."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from crm.errors import RateLimited


class Policy(StrEnum):
    """Which of HubSpot's rate limits a call counts against."""

    # Five searches per second for the whole account, all apps together.
    SEARCH = "search"
    # A number of calls per ten seconds for this app; the headers of each response report it.
    BURST = "burst"


class Budget(Protocol):
    async def acquire(self, policy: Policy) -> None:
        """Return as soon as one more call may be made. DailyLimitReached or BudgetUnavailable when none may be made."""
        ...

    def learn(self, headers: Mapping[str, str]) -> None:
        """Remember the limits that the headers of a response report."""
        ...

    async def rate_limited(self, policy: Policy, error: RateLimited) -> None:
        """HubSpot has answered a call with 429. Raises nothing."""
        ...
