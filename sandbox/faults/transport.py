"""The layer around all routes: it keeps the journal, and breaks connections where a fault wants it.

It is ASGI of its own, because a route can only answer: it cannot fall silent, cut a body or reset a connection.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults.kinds import Kind
from sandbox.faults.plan import Fault
from sandbox.http.journal import NO_ANSWER, Exchange, Journal

# The keys of the ASGI scope under which the route finds its exchange, and this layer the connection.
EXCHANGE, TRANSPORT = "sandbox.exchange", "transport"
CONTROL_PLANE = ("/_sim/", "/healthz")
DRIP_PIECES = 20
DRIP_SECONDS = 2.0
# SO_LINGER on, for no time: the connection is reset instead of closed.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """Requests of the control plane pass untouched and unrecorded."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PLANE):
            await self._app(scope, receive, send)
            return
        with self._journal.request(scope["method"], scope["path"]) as exchange:
            scope[EXCHANGE] = exchange
            await self._app(scope, receive, _Line(scope, exchange, receive, send).deliver)


class _Line:
    """The way of one answer to the client."""

    def __init__(self, scope: Scope, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._start: Message = {}

    @property
    def _transport(self) -> asyncio.Transport:
        """The connection, which sandbox/http/server.py hands over."""
        transport: asyncio.Transport = self._scope["state"][TRANSPORT]
        return transport

    async def deliver(self, message: Message) -> None:
        """As it is, unless a fault lies on this exchange. Starlette's answers are one start and one body."""
        fault = self._exchange.fault
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
        if fault is None:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
        else:
            await _BREAKS[fault.kind](self, fault, message.get("body", b""))

    async def hang(self, fault: Fault, _: bytes) -> None:
        """No answer until the client goes away, or until that many seconds are over."""
        self._exchange.status = NO_ANSWER
        try:
            async with asyncio.timeout(fault.seconds):
                await self._client_gone()
        except TimeoutError:
            await self._close()

    async def reset(self, _: Fault, __: bytes) -> None:
        """Connection reset by peer."""
        self._exchange.status = NO_ANSWER
        transport = self._transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
        await self._client_gone()

    async def cut(self, _: Fault, __: bytes) -> None:
        """Whatever was asked is done, and nobody is told."""
        self._exchange.status = NO_ANSWER
        await self._close()

    async def truncate(self, _: Fault, body: bytes) -> None:
        """The whole length is announced, half of it comes."""
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await self._close()

    async def drip(self, fault: Fault, body: bytes) -> None:
        """Whole, but in small pieces."""
        pause = (DRIP_SECONDS if fault.seconds is None else fault.seconds) / DRIP_PIECES
        size = max(1, len(body) // DRIP_PIECES)
        await self._send(self._start)
        for begin in range(0, len(body), size):
            await self._send({"type": "http.response.body", "body": body[begin : begin + size], "more_body": True})
            await asyncio.sleep(pause)
        await self._send({"type": "http.response.body", "body": b""})

    async def _close(self) -> None:
        self._transport.close()
        await self._client_gone()

    async def _client_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


_BREAKS: Mapping[Kind, Callable[[_Line, Fault, bytes], Awaitable[None]]] = {
    Kind.HANG: _Line.hang,
    Kind.RESET: _Line.reset,
    Kind.WRITE_THEN_CUT: _Line.cut,
    Kind.TRUNCATED_JSON: _Line.truncate,
    Kind.SLOW_DRIP: _Line.drip,
}
