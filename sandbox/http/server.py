"""The HTTP server: uvicorn on a loopback socket that is bound before anything else is done."""

import asyncio
import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.errors import DealQueueError

# The key of the connection in the state of an ASGI scope.
TRANSPORT = "transport"
# supervisord gives the sandbox three seconds to exit.
DRAIN_SECONDS = 2


class CannotListen(DealQueueError):
    """The address cannot be used; the message gives the reason."""


def loopback_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. CannotListen for a taken port or an address that is not loopback."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise CannotListen(f"{host} is not an IP address; the sandbox listens on 127.0.0.1 or ::1.") from None
    if not parsed.is_loopback:
        raise CannotListen(f"The sandbox listens on loopback only, not on {host}; use 127.0.0.1.")
    bound = socket.socket(socket.AF_INET6 if parsed.version == 6 else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        # Two sockets may be bound to one port as long as neither listens, so this one listens at once.
        bound.listen()
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} on {address} is taken; choose another one with --port or SANDBOX_PORT."
        else:
            message = f"The sandbox cannot listen on {address} port {port}: {error.strerror}."
        raise CannotListen(message) from None
    return bound


def url_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Protocol(HttpToolsProtocol):
    """Gives the application access to the connection, which a fault may break (sandbox/faults/transport.py)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class Server(uvicorn.Server):
    """Calls `on_ready` once it accepts requests. Exits with code 0 on SIGTERM and SIGINT."""

    def __init__(self, app: Starlette, on_ready: Callable[[], None]) -> None:
        # The endpoints set `Date` themselves, from the sandbox's clock.
        config = uvicorn.Config(
            app,
            http=Protocol,
            log_config=None,
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        super().__init__(config)
        self._on_ready = on_ready

    def serve_on(self, bound: socket.socket) -> None:
        """Serve on that socket until a signal arrives or `should_exit` is set."""
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(self.serve(sockets=[bound]))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without this, uvicorn raises the signal again at the end, and the process dies of it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for received in signals:
            loop.add_signal_handler(received, self.handle_exit, received, None)
        try:
            yield
        finally:
            for received in signals:
                loop.remove_signal_handler(received)
