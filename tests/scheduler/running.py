"""A runtime as scheduler/__main__.py builds it, around jobs that the test defines."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from core.database import Database
from core.watchdog import Watchdog
from scheduler.jobs import Job
from scheduler.leadership import Leadership
from scheduler.runtime import Runtime
from tests.scheduler.contexts import job_context

SOON = 0.05
HOUR = 3600.0
QUICK: dict[str, Any] = {"leader_ttl_seconds": 0.6}


def stop_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def rival(database: Database) -> Leadership:
    """Another scheduler that would lead for an hour."""
    return Leadership(database, holder="rival", ttl_seconds=HOUR)


async def run(
    database: Database, jobs: Sequence[Job], *, on_stuck: Callable[[str], None] | None = None, **settings: Any
) -> None:
    """Until a job or the test calls `stop_me`, or the watchdog calls `on_stuck`."""
    context = job_context(database, **settings)
    leadership = Leadership(database, holder="me", ttl_seconds=context.settings.leader_ttl_seconds)
    watchdog = Watchdog(context.settings.watchdog_seconds, on_stuck=on_stuck or _unexpected)
    watchdog.start()
    try:
        await Runtime(context, jobs, leadership, watchdog).run()
    finally:
        watchdog.stop()


def _unexpected(reason: str) -> None:
    raise AssertionError(reason)


async def hang(when_cancelled: Callable[[], None]) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        when_cancelled()
        raise
