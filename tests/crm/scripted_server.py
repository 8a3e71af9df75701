"""A server on loopback that sends exactly the replies that a test gives it, byte for byte."""

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
    """`body` is sent unchanged; `cut` announces a longer body and closes the connection; `silent` sends nothing."""

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


class ScriptedServer:
    """Sends the replies in order, then repeats the last. It records the `requests` (their heads) and the `bodies`."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.requests: list[str] = []
        self.bodies: list[str] = []
        self._replies: Iterator[Reply] = itertools.chain(replies, itertools.repeat(replies[-1]))

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A client may disconnect before, during and after its request.
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
async def scripted_server(*replies: Reply) -> AsyncIterator[tuple[str, ScriptedServer]]:
    """The URL of the server, and the server; its record of the requests is complete after the block."""
    scripted = ScriptedServer(replies)
    async with asyncio.TaskGroup() as group:

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(scripted.answer(reader, writer))

        async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{port}", scripted
            finally:
                await _accept_all(port)


async def _accept_all(port: int) -> None:
    """Return when the server has accepted all earlier connections: it accepts in order, and this one is the last.

    A client that disconnects early leaves one waiting, and asyncio leaks a socket that it accepts while it closes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write_eof()
    await reader.read()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def scripted_client(
    *replies: Reply, token: TokenSource = lambda: TOKEN
) -> AsyncIterator[tuple[HubSpot, ScriptedServer]]:
    """A client, and its server."""
    async with scripted_server(*replies) as (url, server), HubSpot(url, token, LocalBudget()) as client:
        yield client, server


class RecordingBudget:
    """A budget that grants every call and records the requests."""

    def __init__(self) -> None:
        self.requested: list[Policy] = []
        self.learned: list[str | None] = []
        self.refusals: list[tuple[Policy, RateLimited]] = []

    async def acquire(self, policy: Policy) -> None:
        self.requested.append(policy)

    def learn(self, headers: Mapping[str, str]) -> None:
        self.learned.append(headers.get("x-hubspot-ratelimit-max"))

    async def rate_limited(self, policy: Policy, error: RateLimited) -> None:
        self.refusals.append((policy, error))
