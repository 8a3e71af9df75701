"""A process that can no longer do its work exits."""

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any, cast

from core.database import Database
from core.watchdog import EXIT_STUCK, Watchdog, watched, watching

HANG = """
import time
from core.watchdog import watching
with watching(0.3):
    time.sleep(30)
"""


def test_a_hanging_process_exits() -> None:
    """The watchdog's thread prints the reason and exits with a distinct code."""
    done = subprocess.run([sys.executable, "-c", HANG], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == EXIT_STUCK
    assert "exiting to be restarted" in done.stderr


def test_a_working_process_does_not_exit() -> None:
    """Each beat restarts the period; after stop() the watchdog does nothing."""
    stuck = threading.Event()
    watchdog = Watchdog(0.4, on_stuck=lambda _: stuck.set())
    watchdog.start()
    for _ in range(10):
        watchdog.beat()
        assert not stuck.wait(0.1)
    watchdog.stop()
    assert not stuck.wait(0.8)


async def test_an_available_database_keeps_the_process_alive(database: Database) -> None:
    """Each round trip counts as a beat."""
    async with watched(database, 1.0):
        await asyncio.sleep(2.5)  # longer than the limit: without beats the test process would exit


def test_it_watches_inside_the_block_only() -> None:
    """After the block, a slow shutdown is not interrupted."""
    with watching(0.2) as watchdog:
        watchdog.beat()
    time.sleep(0.5)  # longer than the limit: under the watchdog, the test process would exit


async def test_a_briefly_exhausted_pool_does_not_end_the_process(database_url: str) -> None:
    """One beat fails because it waited too long for a connection, and the next one succeeds."""
    database = Database.connect(database_url, name="test", pool_size=1, direct_size=1)
    cast("Any", database.engine.pool)._timeout = 0.2
    async with watched(database, 1.5):
        async with database.engine.connect():
            await asyncio.sleep(0.8)  # some beats get no connection
        await asyncio.sleep(2)  # longer than the limit: without further beats the test process would exit
    await database.close()
