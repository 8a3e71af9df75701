"""A proxy between worker and database that falls silent: no connection is cut, and no data passes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

CHUNK_BYTES = 65_536


class DatabaseProxy:
    """Listens on loopback and carries bytes to a server's socket and back, until a client sends `silent_from`.

    That data waits, and so does everything behind it, every answer and every new connection.
    """

    def __init__(self, server: str, silent_from: bytes | None) -> None:
        self._server = server
        self._silent_from = silent_from
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    async def serve(self, listening: threading.Event, stopping: asyncio.Event) -> None:
        """Until `stopping` is set."""
        async with await asyncio.start_server(self._connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            listening.set()
            await stopping.wait()
            connections = list(self._connections)
            for connection in connections:
                connection.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    def resume(self) -> None:
        """Everything that has waited is delivered."""
        self._silent_from = None
        self._flowing.set()

    def lead_to(self, server: str) -> None:
        """Carry new connections to that server; those that exist stay where they are."""
        self._server = server

    @property
    def is_silent(self) -> bool:
        return not self._flowing.is_set()

    def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._open(client, back))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _open(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        async with _closing(back):
            await self._flowing.wait()
            try:
                server, forth = await asyncio.open_unix_connection(self._server)
            except OSError:
                return
            async with _closing(forth):
                await asyncio.gather(
                    self._carry(client, forth, is_client=True), self._carry(server, back, is_client=False)
                )

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_client: bool) -> None:
        # One end may have died; what the other end still sends is discarded.
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if is_client and self._silent_from is not None and self._silent_from in data:
                    self._flowing.clear()
                await self._flowing.wait()
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Closed at the end of the block, whatever the state of the other end."""
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class ProxiedDatabase:
    """The same database through that proxy."""

    def __init__(self, database_url: str, proxy: DatabaseProxy, loop: asyncio.AbstractEventLoop) -> None:
        parts = urlsplit(database_url)
        self.database_url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{proxy.port}", query="").geturl()
        self._proxy = proxy
        self._loop = loop

    @property
    def is_silent(self) -> bool:
        return self._proxy.is_silent

    def resume(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.resume)

    def lead_to(self, database_url: str) -> None:
        """As an address that is moved to another server."""
        self._loop.call_soon_threadsafe(self._proxy.lead_to, _socket(database_url))


def _socket(database_url: str) -> str:
    return f"{parse_qs(urlsplit(database_url).query)['host'][0]}/.s.PGSQL.5432"


@contextmanager
def proxied(database_url: str, *, silent_from: bytes | None = None) -> Iterator[ProxiedDatabase]:
    """The database through a proxy that runs in a thread until the end of the block."""
    loop, stopping, listening = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    proxy = DatabaseProxy(_socket(database_url), silent_from)
    thread = threading.Thread(target=loop.run_until_complete, args=(proxy.serve(listening, stopping),), daemon=True)
    thread.start()
    try:
        assert listening.wait(10)
        yield ProxiedDatabase(database_url, proxy, loop)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()
