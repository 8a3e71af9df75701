"""What the client asks before each call; `pipeline` says how much there is and who shares it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from crm.errors import RateLimited


class Policy(StrEnum):
    """Which of HubSpot's limits a call counts against (reference: HubSpot's API usage guidelines)."""

    # Five searches a second for the whole account, all apps together.
    SEARCH = "search"
    # So many calls in ten seconds for this app; the answers' headers say how many.
    BURST = "burst"


class Budget(Protocol):
    async def acquire(self, policy: Policy) -> None:
        """Return as soon as one more call may be made. DailyLimitReached, or BudgetUnavailable, when none may."""
        ...

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take note of the limits that an answer's headers tell."""
        ...

    async def refused(self, policy: Policy, error: RateLimited) -> None:
        """HubSpot has answered a call with 429; raises nothing."""
        ...
