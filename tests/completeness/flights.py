"""A running job under observation: at a chosen point it is killed or held, or a change is made meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

# The flight of the code that is running; tasks inherit it.
FLIGHT: ContextVar["Flight | None"] = ContextVar("flight", default=None)


@dataclass(frozen=True, slots=True)
class Kill:
    """At that point, plus some iterations of the event loop; hard: the process and its connections are gone."""

    point: int
    iterations: int = 0
    hard: bool = False


@dataclass(slots=True, eq=False)
class Flight:
    """The points are before and after each statement, each end of a transaction and each call of HubSpot.

    `hold_at` is the number of the HubSpot answer at which the job is held until it is `released`; `beside` maps such
    numbers to what happens between the answer and its storage.
    """

    kill: Kill | None = None
    hold_at: int | None = None
    beside: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    on_kill: Callable[["Flight", Kill], None] = lambda *_: None
    points: int = 0
    answers: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    def point(self) -> None:
        self.points += 1
        if self.kill is not None and self.points == self.kill.point:
            self._after(self.kill.iterations)

    def _after(self, iterations: int) -> None:
        if iterations:
            asyncio.get_running_loop().call_soon(self._after, iterations - 1)
        elif self.kill is not None and self.task is not None and not self.task.done():
            self.counts["kill hard" if self.kill.hard else "kill soft"] += 1
            self.on_kill(self, self.kill)

    async def answered(self) -> None:
        """HubSpot has answered, and nothing of the answer is stored yet."""
        self.answers += 1
        if act := self.beside.get(self.answers):
            act()
        if self.hold_at == self.answers and not self.released.is_set():
            self.held.set()
            await self.released.wait()

    async def ended_or_held(self) -> None:
        """Return when the job has ended or is held."""
        if self.task is None:
            return
        held = asyncio.create_task(self.held.wait())
        await asyncio.wait([held, self.task], return_when=asyncio.FIRST_COMPLETED)
        held.cancel()

    def release(self) -> None:
        self.released.set()
        self.held.clear()


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Shared by all clients of a test, so that a new client opens no new connections; `finish` closes it."""

    def __init__(self) -> None:
        super().__init__(verify=False, limits=httpx.Limits(max_connections=20, max_keepalive_connections=10))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        flight = FLIGHT.get()
        if flight is None:
            return await super().handle_async_request(request)
        flight.point()
        try:
            return await super().handle_async_request(request)
        finally:
            flight.point()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def finish(self) -> None:
        await super().aclose()


def watch(engine: AsyncEngine) -> None:
    """Each statement and each end of a transaction has two points."""

    def point(*_: Any) -> None:
        if flight := FLIGHT.get():
            flight.point()

    for moment in ("before_cursor_execute", "after_cursor_execute", "begin", "commit", "rollback"):
        event.listen(engine.sync_engine, moment, point)
