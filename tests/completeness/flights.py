"""A job under way, watched: at a chosen point it is killed or held up, or something happens beside it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

# The flight that the code which runs just now belongs to; tasks inherit it.
FLIGHT: ContextVar["Flight | None"] = ContextVar("flight", default=None)


@dataclass(frozen=True, slots=True)
class Kill:
    """At that point, and so many turns of the event loop later; hard: the process is gone, its connections too."""

    point: int
    turns: int = 0
    hard: bool = False


@dataclass(slots=True, eq=False)
class Flight:
    """A point is each moment before or after a statement, a transaction's end or a call of HubSpot.

    `hold_at` is the answer of HubSpot with which it is held up until it is `released`; `beside` says what happens
    between an answer and its storing.
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
            self._after(self.kill.turns)

    def _after(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._after, turns - 1)
        elif self.kill is not None and self.task is not None and not self.task.done():
            self.counts["kill hard" if self.kill.hard else "kill soft"] += 1
            self.on_kill(self, self.kill)

    async def answered(self) -> None:
        """HubSpot has answered, and nothing of it is stored yet."""
        self.answers += 1
        if act := self.beside.get(self.answers):
            act()
        if self.hold_at == self.answers and not self.released.is_set():
            self.held.set()
            await self.released.wait()

    async def rests(self) -> None:
        """Return when it is over or held up."""
        if self.task is None:
            return
        held = asyncio.create_task(self.held.wait())
        await asyncio.wait([held, self.task], return_when=asyncio.FIRST_COMPLETED)
        held.cancel()

    def release(self) -> None:
        self.released.set()
        self.held.clear()


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Shared by all clients of a test, so that a new one costs no new connections; it is closed by `finish`."""

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
    """Each statement and each end of a transaction is two points."""

    def point(*_: Any) -> None:
        if flight := FLIGHT.get():
            flight.point()

    for moment in ("before_cursor_execute", "after_cursor_execute", "begin", "commit", "rollback"):
        event.listen(engine.sync_engine, moment, point)
