"""A runtime as scheduler/__main__.py builds it, around jobs of the test's own."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, cast

from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from core.watchdog import Watchdog
from crm.catalog import Catalog
from crm.client import HubSpot
from scheduler.context import Context
from scheduler.jobs import Job
from scheduler.leadership import Leadership
from scheduler.runtime import Runtime

SOON = 0.05
HOUR = 3600.0


def context(database: Database, **settings: Any) -> Context:
    return Context(
        settings=Settings(**settings),
        database=database,
        crm=cast("HubSpot", None),
        catalog=cast("Catalog", None),
        clock=SystemClock(),
        stages="[]",
    )


def stop_me() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def rival(database: Database) -> Leadership:
    """Another scheduler that would lead for an hour."""
    return Leadership(database, holder="rival", ttl_seconds=HOUR)


async def run(
    database: Database, jobs: Sequence[Job], *, on_stuck: Callable[[str], None] | None = None, **settings: Any
) -> None:
    """Until somebody calls `stop_me`, or the watchdog finds it stuck."""
    built = context(database, **settings)
    leadership = Leadership(database, holder="me", ttl_seconds=built.settings.leader_ttl_seconds)
    watchdog = Watchdog(built.settings.watchdog_seconds, on_stuck=on_stuck or _unexpected)
    watchdog.start()
    try:
        await Runtime(built, jobs, leadership, watchdog).run()
    finally:
        watchdog.stop()


def _unexpected(reason: str) -> None:
    raise AssertionError(reason)


async def hang(when_cut: Callable[[], None]) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        when_cut()
        raise
