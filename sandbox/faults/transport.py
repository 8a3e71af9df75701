"""The middleware around all routes: it writes the journal, and breaks connections for faults.

It is ASGI middleware because a route handler can only return a response: it cannot hang, cut a body or reset a
connection.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults.kinds import FaultKind
from sandbox.faults.plan import Fault
from sandbox.http.journal import NO_ANSWER, Exchange, Journal
from sandbox.http.server import TRANSPORT

# The keys of the ASGI scope for the exchange, which the endpoint reads, and for the fault that the endpoint requests.
EXCHANGE, FAULT = "sandbox.exchange", "sandbox.fault"
CONTROL_PLANE = ("/_sim/", "/healthz")
DRIP_PIECES = 20
DRIP_SECONDS = 2.0
# SO_LINGER with a time of zero: the connection is reset instead of closed.
_RESET = struct.pack("ii", 1, 0)


class ConnectionMiddleware:
    """Requests to the control plane are neither recorded nor subject to faults."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PLANE):
            await self._app(scope, receive, send)
            return
        with self._journal.request(scope["method"], scope["path"]) as exchange:
            scope[EXCHANGE] = exchange
            await self._app(scope, receive, _ResponseSender(scope, exchange, receive, send).send)


class _ResponseSender:
    """Sends one response to the client, as the fault of the request requires."""

    def __init__(self, scope: Scope, exchange: Exchange, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._start: Message = {}

    @property
    def _transport(self) -> asyncio.Transport:
        """The connection, provided by sandbox/http/server.py."""
        transport: asyncio.Transport = self._scope["state"][TRANSPORT]
        return transport

    async def send(self, message: Message) -> None:
        """Unchanged without a fault. Starlette's responses are one start message and one body message."""
        fault: Fault | None = self._scope.get(FAULT)
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
        if fault is None:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
        else:
            await _SEND_WITH_FAULT[fault.kind](self, fault, message.get("body", b""))

    async def hang(self, fault: Fault, _: bytes) -> None:
        """No response until the client disconnects or `seconds` have passed."""
        self._exchange.status = NO_ANSWER
        try:
            async with asyncio.timeout(fault.seconds):
                await self._wait_for_disconnect()
        except TimeoutError:
            await self._close()

    async def reset(self, _: Fault, __: bytes) -> None:
        """Connection reset by peer."""
        self._exchange.status = NO_ANSWER
        transport = self._transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
        await self._wait_for_disconnect()

    async def cut(self, _: Fault, __: bytes) -> None:
        """The request was carried out, but the client gets no response."""
        self._exchange.status = NO_ANSWER
        await self._close()

    async def truncate(self, _: Fault, body: bytes) -> None:
        """The header announces the whole length, but the body is cut in half."""
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await self._close()

    async def drip(self, fault: Fault, body: bytes) -> None:
        """The whole response, but in small pieces."""
        pause = (DRIP_SECONDS if fault.seconds is None else fault.seconds) / DRIP_PIECES
        size = max(1, len(body) // DRIP_PIECES)
        await self._send(self._start)
        for begin in range(0, len(body), size):
            await self._send({"type": "http.response.body", "body": body[begin : begin + size], "more_body": True})
            await asyncio.sleep(pause)
        await self._send({"type": "http.response.body", "body": b""})

    async def _close(self) -> None:
        self._transport.close()
        await self._wait_for_disconnect()

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


_SEND_WITH_FAULT: Mapping[FaultKind, Callable[[_ResponseSender, Fault, bytes], Awaitable[None]]] = {
    FaultKind.HANG: _ResponseSender.hang,
    FaultKind.RESET: _ResponseSender.reset,
    FaultKind.WRITE_THEN_CUT: _ResponseSender.cut,
    FaultKind.TRUNCATED_JSON: _ResponseSender.truncate,
    FaultKind.SLOW_DRIP: _ResponseSender.drip,
}
