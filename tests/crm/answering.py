"""A server on loopback that answers exactly what a test has written down, byte for byte."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from crm.budget.local import LocalBudget
from crm.budget.protocol import Policy
from crm.client import HubSpot, TokenSource
from crm.errors import RateLimited

LENGTH = re.compile(r"content-length: (\d+)", re.IGNORECASE)
TOKEN = SecretStr("pat-na1-0123456789-canary")


@dataclass(frozen=True)
class Reply:
    """`body` is sent as it stands; `cut` announces more than that and closes; `silent` sends nothing at all."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False

    def encoded(self) -> bytes:
        length = len(self.body) + (1 if self.cut else 0)
        headers = {"Content-Length": str(length), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Reason", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Answering:
    """Answers in order; the last reply again and again. What was asked: `requests` are the heads, `bodies` the rest."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.requests: list[str] = []
        self.bodies: list[str] = []
        self._replies: Iterator[Reply] = itertools.chain(replies, itertools.repeat(replies[-1]))

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A client may give up before it has asked, while it asks, and while it is answered.
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            with suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        length = LENGTH.search(head)
        self.bodies.append((await reader.readexactly(int(length[1]))).decode() if length else "")
        reply = next(self._replies)
        if reply.silent:
            await reader.read()
        else:
            writer.write(reply.encoded())


@asynccontextmanager
async def served(*replies: Reply) -> AsyncIterator[tuple[str, Answering]]:
    """The address of the server, and the server; what was asked is complete when it has closed."""
    answers = Answering(replies)
    async with asyncio.TaskGroup() as group:

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(answers.answer(reader, writer))

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{port}", answers
            finally:
                await _taken(port)


async def _taken(port: int) -> None:
    """Return when the server has taken all connections that were made so far: they stand in line, and this one is last.

    A client that gives up early leaves one there, and asyncio loses the socket of one that it takes while it closes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def answering(*replies: Reply, token: TokenSource = lambda: TOKEN) -> AsyncIterator[tuple[HubSpot, Answering]]:
    """A client, and the server that it talks to."""
    async with served(*replies) as (url, answers), HubSpot(url, token, LocalBudget()) as client:
        yield client, answers


class CountingBudget:
    """A budget that has enough for everybody and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[Policy] = []
        self.learned: list[str | None] = []
        self.refusals: list[tuple[Policy, RateLimited]] = []

    async def acquire(self, policy: Policy) -> None:
        self.asked.append(policy)

    def learn(self, headers: Mapping[str, str]) -> None:
        self.learned.append(headers.get("x-hubspot-ratelimit-max"))

    async def refused(self, policy: Policy, error: RateLimited) -> None:
        self.refusals.append((policy, error))
