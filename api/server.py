"""Serves the application until SIGTERM or SIGINT."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from api.app import create_app
from core import logs
from core.database import Database, wait_for_database
from core.errors import DealQueueError
from core.settings import Settings
from migrations.head import HEAD_REVISION

log = structlog.get_logger()

# A page needs two statements, one after the other; ten connections serve some hundred pages a second.
POOL_SIZE = 10
# Requests in progress may take this long to finish.
DRAIN_SECONDS = 15


class PortTaken(DealQueueError):
    """Another program listens on this host and port."""


class Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but the signal is not raised again at the end: a requested stop exits with 0."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings) -> None:
    """Return after SIGTERM or SIGINT, when the requests in progress have ended. Raises PortTaken before serving."""
    database = Database.connect(settings.database(), name="api", pool_size=POOL_SIZE)
    config = uvicorn.Config(
        create_app(settings, database),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    listener = listen(settings.host, settings.port)
    logs.configure("api", settings)
    _tune_garbage_collection()
    log.info("api.listening", host=settings.host, port=settings.port)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(Server(config), listener, database))
    log.info("api.stopped")


async def _serve(server: Server, listener: socket.socket, database: Database) -> None:
    """ConfigurationError when the database can never be used as it is."""
    # In the background: meanwhile /healthz answers, and /readyz reports what is missing.
    waiting = asyncio.create_task(_log_when_ready(server, database))
    try:
        await server.serve([listener])
    finally:
        waiting.cancel()
        [refused] = await asyncio.gather(waiting, return_exceptions=True)
        await database.close()
    if isinstance(refused, DealQueueError):
        raise refused


async def _log_when_ready(server: Server, database: Database) -> None:
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        log.info("api.ready")
    except DealQueueError:
        server.should_exit = True
        raise


def listen(host: str, port: int) -> socket.socket:
    """The listening socket; PortTaken if the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        number = error.errno or 0
        # Python's own text repeats the address; an unknown host has a negative number.
        reason = os.strerror(number) if number > 0 else error.strerror
        raise PortTaken(
            f"Cannot listen on {host}:{port}: {reason}. Stop the program that listens there, or set another PORT."
        ) from None


def _tune_garbage_collection() -> None:
    # Objects made so far live as long as the process: they are not scanned again (measured: a third less CPU per page
    # of 50).
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
