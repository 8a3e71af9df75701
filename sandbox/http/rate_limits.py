"""HubSpot's request limits, counted as HubSpot counts them: over windows that roll, and by the day.

Source: developers.hubspot.com, "API usage guidelines" (docs/sandbox.md). A refused request uses up nothing.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from core.clock import Clock
from sandbox.config import Config

BURST_SECONDS = 10.0
SEARCH_SECONDS = 1.0


class Policy(Enum):
    """What a route counts against. Association batches are exempt from the burst limit (HubSpot's API description)."""

    BURST = "burst"
    SEARCH = "search"
    EXEMPT = "exempt"


class Refusal(Enum):
    """Which limit a request has run into."""

    BURST = "TEN_SECONDLY_ROLLING"
    SEARCH = "SECONDLY"
    DAILY = "DAILY"


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests allowed at the start: per rolling ten seconds for most routes, per second for search."""

    burst: int = 190
    search_per_second: int = 5


class RollingWindow:
    """What was taken within the last `seconds`."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self, limit: int) -> bool:
        if self.remaining(limit) <= 0:
            return False
        self._taken.append(self._clock.monotonic())
        return True

    def eat(self, count: int, limit: int) -> None:
        """Somebody else takes up to that many."""
        self._taken.extend([self._clock.monotonic()] * max(0, min(count, self.remaining(limit))))

    def remaining(self, limit: int) -> int:
        now = self._clock.monotonic()
        if self._taken and self._taken[-1] > now:
            # The clock was put back to a snapshot: what was taken after it has not happened.
            self._taken.clear()
        while self._taken and self._taken[0] <= now - self._seconds:
            self._taken.popleft()
        return limit - len(self._taken)


class Neighbour:
    """Another program that uses the same token at a steady pace; what it has done is worked out when somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = clock.monotonic()
        self._due = 0.0

    def requests(self, per_second: float) -> int:
        """How many it has made since the last question."""
        now = self._clock.monotonic()
        self._due += max(0.0, now - self._seen) * per_second
        self._seen = now
        whole = int(self._due)
        self._due -= whole
        return whole


class Limits:
    """The account's budget, and the headers that tell of it."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._burst = RollingWindow(BURST_SECONDS, clock)
        self._search = RollingWindow(SEARCH_SECONDS, clock)
        self._neighbour, self._searcher = Neighbour(clock), Neighbour(clock)
        self._day = clock.now().date()
        self._used = 0

    def take(self, policy: Policy) -> Refusal | None:
        """None when the request may pass. Those that are exempt from the burst limit count by the day all the same."""
        self._catch_up()
        if self._used >= self._config.daily:
            return Refusal.DAILY
        if policy is Policy.BURST and not self._burst.take(self._config.burst):
            return Refusal.BURST
        if policy is Policy.SEARCH and not self._search.take(self._config.search_per_second):
            return Refusal.SEARCH
        self._used += 1
        return None

    def headers(self, policy: Policy, refusal: Refusal | None = None) -> Mapping[str, str]:
        """A search carries none, a refused search the daily ones, everything else all of them."""
        headers = self._daily() if refusal or policy is Policy.BURST else {}
        if refusal and self._config.retry_after is not None:
            headers["Retry-After"] = str(self._config.retry_after)
        if policy is not Policy.BURST:
            return headers
        return headers | {
            "X-HubSpot-RateLimit-Max": str(self._config.burst),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self._burst.remaining(self._config.burst))),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_SECONDS * 1000)),
        }

    @property
    def used_today(self) -> int:
        self._catch_up()
        return self._used

    def _catch_up(self) -> None:
        """A new day begins at midnight of the clock (UTC); the neighbours have been at work meanwhile."""
        if self._today() != self._day:
            self._day, self._used = self._today(), 0
        config = self._config
        others, searches = (
            self._neighbour.requests(config.background_rps),
            self._searcher.requests(config.background_search_rps),
        )
        self._burst.eat(min(others, int(config.background_rps * BURST_SECONDS)), config.burst)
        self._search.eat(min(searches, int(config.background_search_rps * SEARCH_SECONDS)), config.search_per_second)
        self._used += others + searches

    def _today(self) -> date:
        return self._clock.now().date()

    def _daily(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Daily": str(self._config.daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self._config.daily - self._used)),
        }
