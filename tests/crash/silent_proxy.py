"""A network between worker and database that falls silent: no connection is cut, and nothing comes through."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

CHUNK_BYTES = 65_536


class Network:
    """Listens on loopback, carries bytes to a server's socket and back, and is silent from the `last_word` on.

    What a client says with that word in it waits as well, like everything behind it and every new connection.
    """

    def __init__(self, server: str, last_word: bytes) -> None:
        self._server = server
        self._last_word: bytes | None = last_word
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0

    async def serve(self, listening: threading.Event, over: asyncio.Event) -> None:
        """Until `over` is set."""
        async with await asyncio.start_server(self._connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            listening.set()
            await over.wait()
            lines = list(self._lines)
            for line in lines:
                line.cancel()
            await asyncio.gather(*lines, return_exceptions=True)

    def speak(self) -> None:
        """Everything that has waited arrives."""
        self._last_word = None
        self._flowing.set()

    @property
    def is_silent(self) -> bool:
        return not self._flowing.is_set()

    def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._open(client, back))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _open(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        async with _closing(back):
            await self._flowing.wait()
            server, forth = await asyncio.open_unix_connection(self._server)
            async with _closing(forth):
                await asyncio.gather(
                    self._carry(client, forth, is_client=True), self._carry(server, back, is_client=False)
                )

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_client: bool) -> None:
        # One end may have died; what the other one still says is for nobody.
        with suppress(OSError):
            while said := await source.read(CHUNK_BYTES):
                if is_client and self._last_word is not None and self._last_word in said:
                    self._flowing.clear()
                await self._flowing.wait()
                target.write(said)
                await target.drain()
        target.close()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Closed at the end of the block, whatever became of the other end."""
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Proxied:
    """The same database by way of that network."""

    def __init__(self, database_url: str, network: Network, loop: asyncio.AbstractEventLoop) -> None:
        parts = urlsplit(database_url)
        self.database_url = parts._replace(netloc=f"{parts.username}@127.0.0.1:{network.port}", query="").geturl()
        self._network = network
        self._loop = loop

    @property
    def is_silent(self) -> bool:
        return self._network.is_silent

    def speak(self) -> None:
        self._loop.call_soon_threadsafe(self._network.speak)


@contextmanager
def proxied(database_url: str, *, last_word: bytes) -> Iterator[Proxied]:
    """A network of its own to this database, in a thread of its own, until the end of the block."""
    folder = parse_qs(urlsplit(database_url).query)["host"][0]
    loop, over, listening = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    network = Network(f"{folder}/.s.PGSQL.5432", last_word)
    thread = threading.Thread(target=loop.run_until_complete, args=(network.serve(listening, over),), daemon=True)
    thread.start()
    try:
        assert listening.wait(10)
        yield Proxied(database_url, network, loop)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
