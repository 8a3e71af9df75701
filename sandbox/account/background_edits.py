"""Lively mode: edits and creates deals while the sandbox runs, so that a demonstration shows changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from core.clock import Clock
from sandbox.account.simulated_users import SimulatedUsers

# Edits that are caught up after the clock was advanced, by a day for instance.
MOST_CAUGHT_UP = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two edits, edits for each creation of a deal, and the number of creations.

    The last one keeps a demonstration that runs for days from filling the memory: 10,000 deals are 11 hours and about
    50 MB. Edits continue after that.
    """

    edit_seconds: float = 1.0
    edits_per_creation: int = 4
    most_created: int = 10_000


class BackgroundEdits:
    """Edits and creations at a steady pace by the sandbox's clock, while `on`. The seed decides what is done, in which
    order.
    """

    def __init__(self, users: SimulatedUsers, pace: Pace, clock: Clock, *, on: bool) -> None:
        self.on = on
        self._users = users
        self._pace = pace
        self._clock = clock

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Edit in a background task for the duration of the block."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        edits = created = 0
        last = self._clock.monotonic()
        while True:
            await asyncio.sleep(self._pace.edit_seconds)
            due = int((self._clock.monotonic() - last) / self._pace.edit_seconds)
            last += due * self._pace.edit_seconds
            for _ in range(min(due, MOST_CAUGHT_UP) if self.on else 0):
                self._users.edit(self._users.pick(1))
                edits += 1
                if edits % self._pace.edits_per_creation == 0 and created < self._pace.most_created:
                    self._users.create()
                    created += 1
