"""The reaper and the sweep of the leading scheduler, repeated in a thread, with short times for the tests."""

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
class ReaperCounts:
    """How many runs the reaper and the sweep have requeued."""

    reaped: int = 0
    swept: int = 0


@contextmanager
def run_reaper(database_url: str) -> Iterator[ReaperCounts]:
    """In a thread until the end of the block; PostgreSQL may be unavailable meanwhile."""
    counts, stopping = ReaperCounts(), threading.Event()
    short: dict[str, Any] = {"STALE_HEARTBEAT_SECONDS": STALLED_SECONDS, "_JUST_QUEUED_SECONDS": 0.5}
    short["_FORGOTTEN_SECONDS"] = 2.0
    with patch.multiple(rescue, **short):
        thread = threading.Thread(
            target=lambda: asyncio.run(_reap_and_sweep(database_url, counts, stopping)), daemon=True
        )
        thread.start()
        try:
            yield counts
        finally:
            stopping.set()
            thread.join(30)


async def _reap_and_sweep(database_url: str, counts: ReaperCounts, stopping: threading.Event) -> None:
    database = Database.connect(database_url, name="reaper", pool_size=1)
    runs = RunStore(database, lease_seconds=LEASE_SECONDS)
    try:
        while not stopping.is_set():
            try:
                counts.reaped += await runs.reap()
                counts.swept += await runs.sweep()
            except DatabaseUnavailable:
                pass  # the next round may succeed
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await database.close()
