"""A budget for one process that shares it with no other: the command line, and tests."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from core.clock import Clock, SystemClock
from crm.budget.limits import BURST_SECONDS, SEARCHES_PER_SECOND, SMALLEST_BURST, Daily, burst_of, daily_of, own_share
from crm.budget.protocol import Policy
from crm.errors import RateLimited

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
    """A Budget for one process; `daily` is what HubSpot told last."""

    def __init__(self, clock: Clock | None = None, pause: Pause = asyncio.sleep) -> None:
        clock = clock or SystemClock()
        self.daily: Daily | None = None
        self.burst = RollingWindow(own_share(SMALLEST_BURST), BURST_SECONDS, clock, pause)
        self._windows = {
            Policy.SEARCH: RollingWindow(SEARCHES_PER_SECOND, 1.0, clock, pause),
            Policy.BURST: self.burst,
        }

    async def acquire(self, policy: Policy) -> None:
        await self._windows[policy].take()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Searches carry no such headers; what makes no sense is not believed."""
        if burst := burst_of(headers):
            self.burst.limit, self.burst.seconds = burst.limit, burst.seconds
        self.daily = daily_of(headers) or self.daily

    async def refused(self, policy: Policy, error: RateLimited) -> None:
        """Nothing to tell: the call that was refused waits before it is made again, and others are few."""
