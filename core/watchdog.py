"""Exits a process that can no longer do its work, so that supervisord restarts it."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog

from core.database import Database
from core.errors import DatabaseUnavailable
from core.output import write_error

log = structlog.get_logger()

# EX_SOFTWARE of sysexits.h. supervisord restarts the process for any exit code; this one shows the operator why.
EXIT_STUCK = 70


def _exit(reason: str) -> None:
    # Never waits: a pipe that is not read would keep the process here.
    write_error(reason)
    os._exit(EXIT_STUCK)


class Watchdog:
    """Runs in a thread of its own, because an event loop that hangs cannot watch itself."""

    def __init__(self, seconds: float, *, on_stuck: Callable[[str], None] = _exit) -> None:
        self._seconds = seconds
        self._on_stuck = on_stuck
        self._last_beat = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self.beat()
        self._thread.start()

    def beat(self) -> None:
        """Call after each proof that the process works, such as a round trip to the database."""
        self._last_beat = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds / 10):
            silent = time.monotonic() - self._last_beat
            if silent > self._seconds:
                self._on_stuck(f"No work was possible for {silent:.0f} s; exiting to be restarted.")
                return


@contextmanager
def watching(seconds: float) -> Iterator[Watchdog]:
    """Inside the block, the process exits when `beat` was not called for `seconds`."""
    watchdog = Watchdog(seconds)
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.stop()


@asynccontextmanager
async def watched(database: Database, seconds: float) -> AsyncIterator[None]:
    """Inside the block, the process exits when the database cannot be written or the event loop hangs for `seconds`."""
    with watching(seconds) as watchdog:
        beating = asyncio.create_task(_beat(database, watchdog, seconds / 5))
        try:
            yield
        finally:
            beating.cancel()


async def _beat(database: Database, watchdog: Watchdog, every_seconds: float) -> None:
    while True:
        try:
            # Through both pools: a process that has lost one of them cannot work, nor one that only reads.
            await database.check_writable()
            watchdog.beat()
        except DatabaseUnavailable as error:
            log.warning("database.unreachable", error=str(error))
        await asyncio.sleep(every_seconds)
