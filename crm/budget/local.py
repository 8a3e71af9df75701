"""A budget that one process shares with no other: for the command line and for tests."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from core.clock import Clock, SystemClock
from crm.budget.limits import BURST_SECONDS, SEARCHES_PER_SECOND, SMALLEST_BURST, Daily, burst_of, daily_of, own_share
from crm.budget.protocol import Policy
from crm.errors import RateLimited

Pause = Callable[[float], Awaitable[None]]


class RollingWindow:
    """At most `limit` calls within any `seconds`, granted in the order in which they were requested."""

    def __init__(self, limit: int, seconds: float, clock: Clock, pause: Pause) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._pause = pause
        self._granted: deque[float] = deque()
        self._lock = asyncio.Lock()

    async def acquire(self) -> None:
        """A caller that is cancelled while it waits uses no call."""
        async with self._lock:
            while (wait := self._wait_seconds()) > 0:
                await self._pause(wait)
            self._granted.append(self._clock.monotonic())

    def _wait_seconds(self) -> float:
        """Until enough of the oldest calls have left the window."""
        now = self._clock.monotonic()
        while self._granted and self._granted[0] <= now - self.seconds:
            self._granted.popleft()
        surplus = len(self._granted) - self.limit
        return 0.0 if surplus < 0 else self._granted[surplus] + self.seconds - now


class LocalBudget:
    """A Budget for one process; `daily` is what HubSpot reported last."""

    def __init__(self, clock: Clock | None = None, pause: Pause = asyncio.sleep) -> None:
        clock = clock or SystemClock()
        self.daily: Daily | None = None
        self.burst = RollingWindow(own_share(SMALLEST_BURST), BURST_SECONDS, clock, pause)
        self._windows = {
            Policy.SEARCH: RollingWindow(SEARCHES_PER_SECOND, 1.0, clock, pause),
            Policy.BURST: self.burst,
        }

    async def acquire(self, policy: Policy) -> None:
        await self._windows[policy].acquire()

    def learn(self, headers: Mapping[str, str]) -> None:
        if burst := burst_of(headers):
            self.burst.limit, self.burst.seconds = burst.limit, burst.seconds
        self.daily = daily_of(headers) or self.daily

    async def rate_limited(self, policy: Policy, error: RateLimited) -> None:
        """Nothing to do: the refused call waits before its retry, and this process makes few others."""
