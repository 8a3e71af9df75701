"""Keeps the account busy while the sandbox runs, so that there is something to watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from core.clock import Clock
from sandbox.account.simulated_users import Activity

# A clock that is moved by a day makes nobody wait for a day's work.
MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two edits; every how many edits a deal is created; after how many creations it stops.

    The end keeps a demonstration that is left running for days from filling the memory: 10,000 deals are 11 hours
    and about 50 MB. Edits go on.
    """

    edit_seconds: float = 1.0
    edits_per_creation: int = 4
    most_created: int = 10_000


class Lively:
    """Edits and creations at a steady pace of the sandbox's clock, while `on`. What is done, and in which order, is the
    seed's choice.
    """

    def __init__(self, activity: Activity, pace: Pace, clock: Clock, *, on: bool) -> None:
        self.on = on
        self._activity = activity
        self._pace = pace
        self._clock = clock
        self._created = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At work for the length of the block."""
        task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _work(self) -> None:
        ticks, worked = 0, self._clock.monotonic()
        while True:
            await asyncio.sleep(self._pace.edit_seconds)
            due = int((self._clock.monotonic() - worked) / self._pace.edit_seconds)
            worked += due * self._pace.edit_seconds
            for _ in range(min(due, MOST_AT_ONCE) if self.on else 0):
                ticks += 1
                self._tick(ticks)

    def _tick(self, number: int) -> None:
        self._activity.edit(self._activity.pick(1))
        if number % self._pace.edits_per_creation == 0 and self._created < self._pace.most_created:
            self._activity.create()
            self._created += 1
