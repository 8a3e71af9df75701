"""HubSpot's request limits, counted as HubSpot counts them: over a window that rolls.

Source: developers.hubspot.com, "API usage guidelines" (docs/sandbox.md). A refused request uses up nothing.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from core.clock import Clock

BURST_SECONDS = 10.0
SEARCH_SECONDS = 1.0
# Shown in headers. It is not enforced: nobody reaches it in a day with a burst limit of 190.
DAILY = 650_000


class Policy(Enum):
    """What a route counts against. Association batches are exempt from the burst limit (HubSpot's API description)."""

    BURST = "burst"
    SEARCH = "search"
    EXEMPT = "exempt"


class RollingWindow:
    """At most `limit` takes within any `seconds`."""

    def __init__(self, limit: int, seconds: float, clock: Clock) -> None:
        self.limit = limit
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        self._expire()
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(self._clock.monotonic())
        return True

    @property
    def remaining(self) -> int:
        self._expire()
        return self.limit - len(self._taken)

    def _expire(self) -> None:
        start = self._clock.monotonic() - self._seconds
        while self._taken and self._taken[0] <= start:
            self._taken.popleft()


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests allowed: per rolling ten seconds for most routes, per second for search."""

    burst: int = 190
    search_per_second: int = 5


class Limits:
    """The account's budget, and the headers that tell of it."""

    def __init__(self, rates: Rates, clock: Clock) -> None:
        self._burst = RollingWindow(rates.burst, BURST_SECONDS, clock)
        self._search = RollingWindow(rates.search_per_second, SEARCH_SECONDS, clock)
        self._calls = 0

    def take(self, policy: Policy) -> bool:
        """False when the request is one too many."""
        self._calls += 1
        if policy is Policy.BURST:
            return self._burst.take()
        return policy is Policy.EXEMPT or self._search.take()

    def headers(self, policy: Policy, *, refused: bool = False) -> Mapping[str, str]:
        """A search carries none, a refused search the daily ones, everything else all of them."""
        if policy is not Policy.BURST:
            return self._daily() if refused else {}
        return {
            "X-HubSpot-RateLimit-Max": str(self._burst.limit),
            "X-HubSpot-RateLimit-Remaining": str(self._burst.remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_SECONDS * 1000)),
            **self._daily(),
        }

    def _daily(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Daily": str(DAILY),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, DAILY - self._calls)),
        }
