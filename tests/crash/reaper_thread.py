"""What the leading scheduler does for runs and jobs, again and again: here with the tests' short times."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs import rescue
from pipeline.runs.store import RunStore
from tests.crash.instrumented_worker import STALLED_SECONDS
from tests.crash.worker_plan import LEASE_SECONDS

EVERY_SECONDS = 0.1


@dataclass
class Rescued:
    """How many runs each statement has brought back."""

    reaped: int = 0
    swept: int = 0


@contextmanager
def rescuing(database_url: str) -> Iterator[Rescued]:
    """A thread of its own does it until the end of the block; PostgreSQL may be away meanwhile."""
    rescued, over = Rescued(), threading.Event()
    short: dict[str, Any] = {"STALE_HEARTBEAT_SECONDS": STALLED_SECONDS, "_JUST_QUEUED_SECONDS": 0.5}
    short["_FORGOTTEN_SECONDS"] = 2.0
    with patch.multiple(rescue, **short):
        thread = threading.Thread(target=lambda: asyncio.run(_rescue(database_url, rescued, over)), daemon=True)
        thread.start()
        try:
            yield rescued
        finally:
            over.set()
            thread.join(30)


async def _rescue(database_url: str, rescued: Rescued, over: threading.Event) -> None:
    database = Database.connect(database_url, name="rescuer", pool_size=1)
    runs = RunStore(database, lease_seconds=LEASE_SECONDS)
    try:
        while not over.is_set():
            try:
                rescued.reaped += await runs.reap()
                rescued.swept += await runs.sweep()
            except DatabaseUnavailable:
                pass  # the next round may succeed
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await database.close()
