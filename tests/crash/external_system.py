"""An external system that counts: it outlives the workers that call it, and reports how often each key was used."""

import asyncio
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class ExternalSystem:
    """By idempotency key: `calls` counts the calls of stages, `effects` the changes that they made."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.address = ("", 0)
        self._lock = threading.Lock()

    def answer(self, line: str) -> str:
        verb, key = line.split()
        with self._lock:
            if verb == "CHECK":
                self.calls[key] += 1
                return "present" if self.effects[key] else "absent"
            self.effects[key] += 1
            return "applied"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256


@contextmanager
def open_external_system() -> Iterator[ExternalSystem]:
    """Listens on loopback until the end of the block."""
    system = ExternalSystem()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            # A worker that is killed before it has written its line requests nothing.
            if line := self.rfile.readline().decode():
                self.wfile.write(system.answer(line).encode() + b"\n")

    with _Server(("127.0.0.1", 0), Handler) as server:
        system.address = ("127.0.0.1", server.socket.getsockname()[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield system
        server.shutdown()
        thread.join()


async def call_external_system(address: tuple[str, int], verb: str, key: str) -> str:
    """One call by a stage; returns the answer."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(f"{verb} {key}\n".encode())
        return (await reader.readline()).decode().strip()
    finally:
        writer.close()
