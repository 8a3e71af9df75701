"""A process that cannot work any more ends itself."""

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


def test_a_hanging_process_is_ended() -> None:
    """By its own thread, with a sentence and a code of its own."""
    done = subprocess.run([sys.executable, "-c", HANG], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == EXIT_STUCK
    assert "ending to be started afresh" in done.stderr


def test_a_process_that_works_is_left_alone() -> None:
    """Each beat buys the time anew; after stop() nothing is watched."""
    stuck = threading.Event()
    watchdog = Watchdog(0.4, on_stuck=lambda _: stuck.set())
    watchdog.start()
    for _ in range(10):
        watchdog.beat()
        assert not stuck.wait(0.1)
    watchdog.stop()
    assert not stuck.wait(0.8)


async def test_a_database_that_answers_keeps_the_process_alive(database: Database) -> None:
    """Each round trip is a beat."""
    async with watched(database, 1.0):
        await asyncio.sleep(2.5)  # longer than the limit: without beats the test process would be gone


def test_it_watches_inside_the_block_only() -> None:
    """Whoever ends in good order is not hurried."""
    with watching(0.2) as watchdog:
        watchdog.beat()
    time.sleep(0.5)  # longer than the limit: still watched, the test process would be gone


async def test_a_pool_that_is_exhausted_for_a_moment_is_no_end(database_url: str) -> None:
    """A beat that had to wait too long for a connection is missing, and the next one comes."""
    database = Database.connect(database_url, name="test", pool_size=1, direct_size=1)
    cast("Any", database.engine.pool)._timeout = 0.2
    async with watched(database, 1.5):
        async with database.engine.connect():
            await asyncio.sleep(0.8)  # some beats find no connection
        await asyncio.sleep(2)  # longer than the limit: without further beats the test process would be gone
    await database.close()
