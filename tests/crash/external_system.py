"""An outside system that counts: it survives the workers that call it, and tells how often each key was used."""

import asyncio
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Sink:
    """`calls` counts attempts at a stage's outside call, `effects` what they made; both by idempotency key."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.address = ("", 0)
        self._lock = threading.Lock()

    def answer(self, line: str) -> str:
        verb, key = line.split()
        with self._lock:
            if verb == "LOOK":
                self.calls[key] += 1
                return "there" if self.effects[key] else "absent"
            self.effects[key] += 1
            return "made"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256


@contextmanager
def open_sink() -> Iterator[Sink]:
    """Listening on loopback until the end of the block."""
    sink = Sink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            # A worker that dies at the wrong moment asks nothing.
            if line := self.rfile.readline().decode():
                self.wfile.write(sink.answer(line).encode() + b"\n")

    with _Server(("127.0.0.1", 0), Handler) as server:
        sink.address = ("127.0.0.1", server.socket.getsockname()[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield sink
        server.shutdown()
        thread.join()


async def ask(address: tuple[str, int], verb: str, key: str) -> str:
    """One call from a stage to the sink."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(f"{verb} {key}\n".encode())
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
