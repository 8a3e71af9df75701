"""How many calls HubSpot gets: never more than it allows, first come, first served. For this process alone."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from core.clock import Clock, SystemClock
from crm.budget import Policy

# Of HubSpot's five searches a second for the whole account: one is left to the account's other apps.
SEARCH_LIMIT, SEARCH_SECONDS = 4, 1.0
# Until an answer's headers tell: what the smallest account has (HubSpot's API usage guidelines), less our reserve.
BURST_LIMIT, BURST_SECONDS = 90, 10.0
# The rest is for clocks that disagree and for calls that HubSpot counts later than we do.
BURST_SHARE = 0.9
LIMIT_HEADER = "x-hubspot-ratelimit-max"
INTERVAL_HEADER = "x-hubspot-ratelimit-interval-milliseconds"
LARGEST_LIMIT, LONGEST_INTERVAL_MS = 100_000, 60_000

Pause = Callable[[float], Awaitable[None]]


class RollingWindow:
    """At most `limit` takes within any `seconds`; who comes first is served first."""

    def __init__(self, limit: int, seconds: float, clock: Clock, pause: Pause) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._pause = pause
        self._taken: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Whoever gives up waiting takes nothing."""
        async with self._turn:
            while (wait := self._wait_seconds()) > 0:
                await self._pause(wait)
            self._taken.append(self._clock.monotonic())

    def _wait_seconds(self) -> float:
        """Until the oldest take that stands in the way has left the window."""
        now = self._clock.monotonic()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        surplus = len(self._taken) - self.limit
        return 0.0 if surplus < 0 else self._taken[surplus] + self.seconds - now


class LocalBudget:
    """A crm.budget.Budget for one process."""

    def __init__(self, clock: Clock | None = None, pause: Pause = asyncio.sleep) -> None:
        clock = clock or SystemClock()
        self._windows = {
            Policy.SEARCH: RollingWindow(SEARCH_LIMIT, SEARCH_SECONDS, clock, pause),
            Policy.BURST: RollingWindow(BURST_LIMIT, BURST_SECONDS, clock, pause),
        }

    async def acquire(self, policy: Policy) -> None:
        await self._windows[policy].take()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Searches carry no such headers; what makes no sense is not believed."""
        limit = _number(headers.get(LIMIT_HEADER), LARGEST_LIMIT)
        interval_ms = _number(headers.get(INTERVAL_HEADER), LONGEST_INTERVAL_MS)
        if limit is not None and interval_ms is not None:
            burst = self._windows[Policy.BURST]
            burst.limit, burst.seconds = max(1, int(limit * BURST_SHARE)), interval_ms / 1000


def _number(text: str | None, most: int) -> int | None:
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
    return number if 0 < number <= most else None
