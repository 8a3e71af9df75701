"""HubSpot's rate limits, counted as HubSpot counts them: in rolling windows and by the day.

Source: developers.hubspot.com, "API usage guidelines" (docs/sandbox.md). A refused request uses up nothing.
"""

from collections import deque
from collections.abc import Mapping
from enum import Enum

from core.clock import Clock
from sandbox.config import Config

BURST_SECONDS = 10.0
SEARCH_SECONDS = 1.0


class Policy(Enum):
    """The limit of a route. Association batches are exempt from the burst limit (HubSpot's API description)."""

    BURST = "burst"
    SEARCH = "search"
    EXEMPT = "exempt"


class ExceededLimit(Enum):
    """The limit that a refused request exceeds."""

    BURST = "TEN_SECONDLY_ROLLING"
    SEARCH = "SECONDLY"
    DAILY = "DAILY"


class RollingWindow:
    """The requests of the last `seconds`."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque()

    def take(self, limit: int) -> bool:
        if self.remaining(limit) <= 0:
            return False
        self._times.append(self._clock.monotonic())
        return True

    def take_up_to(self, count: int, limit: int) -> None:
        """Count requests of another program, no more than remain."""
        self._times.extend([self._clock.monotonic()] * max(0, min(count, self.remaining(limit))))

    def remaining(self, limit: int) -> int:
        now = self._clock.monotonic()
        if self._times and self._times[-1] > now:
            # The clock was restored from a snapshot: the requests after it have not happened.
            self._times.clear()
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return limit - len(self._times)


class BackgroundTraffic:
    """Another program that uses the same token at a steady rate. Its requests are computed on demand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted_until = clock.monotonic()
        self._due = 0.0

    def requests(self, per_second: float) -> int:
        """The number of requests since the last call."""
        now = self._clock.monotonic()
        self._due += max(0.0, now - self._counted_until) * per_second
        self._counted_until = now
        whole = int(self._due)
        self._due -= whole
        return whole


class RateLimits:
    """The limits of the account, and the headers that report them."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._burst = RollingWindow(BURST_SECONDS, clock)
        self._search = RollingWindow(SEARCH_SECONDS, clock)
        self._other_requests, self._other_searches = BackgroundTraffic(clock), BackgroundTraffic(clock)
        self._day = clock.now().date()
        self._used = 0

    def take(self, policy: Policy) -> ExceededLimit | None:
        """None when the request is within the limits. A request exempt from the burst limit counts for the day too."""
        self._count_background_traffic()
        if self._used >= self._config.daily:
            return ExceededLimit.DAILY
        if policy is Policy.BURST and not self._burst.take(self._config.burst):
            return ExceededLimit.BURST
        if policy is Policy.SEARCH and not self._search.take(self._config.search_per_second):
            return ExceededLimit.SEARCH
        self._used += 1
        return None

    def headers(self, policy: Policy, exceeded: ExceededLimit | None = None) -> Mapping[str, str]:
        """A search has none, a refused search those of the daily limit, every other request all of them."""
        headers: dict[str, str] = {}
        if exceeded or policy is Policy.BURST:
            headers["X-HubSpot-RateLimit-Daily"] = str(self._config.daily)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, self._config.daily - self._used))
        if exceeded and self._config.retry_after is not None:
            headers["Retry-After"] = str(self._config.retry_after)
        if policy is Policy.BURST:
            headers["X-HubSpot-RateLimit-Max"] = str(self._config.burst)
            headers["X-HubSpot-RateLimit-Remaining"] = str(max(0, self._burst.remaining(self._config.burst)))
            headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(BURST_SECONDS * 1000))
        return headers

    @property
    def used_today(self) -> int:
        self._count_background_traffic()
        return self._used

    def _count_background_traffic(self) -> None:
        """Count the other program's requests since the last call; the day ends at midnight (UTC) of the clock."""
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._used = today, 0
        config = self._config
        requests = self._other_requests.requests(config.background_rps)
        searches = self._other_searches.requests(config.background_search_rps)
        self._burst.take_up_to(min(requests, int(config.background_rps * BURST_SECONDS)), config.burst)
        self._search.take_up_to(
            min(searches, int(config.background_search_rps * SEARCH_SECONDS)), config.search_per_second
        )
        self._used += requests + searches
