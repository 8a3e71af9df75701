"""The watchdog ends a scheduler that can neither lead nor follow."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import apscheduler.schedulers.base
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from core.database import Database
from deploy.postgres import Cluster
from scheduler.context import JobContext
from scheduler.jobs import Job
from tests.scheduler.running import HOUR, QUICK, SOON, hang, run, stop_me

WATCHED: dict[str, Any] = {"watchdog_seconds": 1.0}


class Stuck:
    """Called by the watchdog instead of ending the process: it stops the runtime."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.seen = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self._loop.call_soon_threadsafe(self.seen.set)
        stop_me()


async def test_a_job_that_ignores_its_cancellation_ends_the_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was cancelled for hanging and ignores that: only a new process helps."""
    monkeypatch.setattr("scheduler.runtime.SHORTEST_TIMEOUT_SECONDS", 0.2)
    stuck = Stuck()

    async def ignores_cancellation(_: JobContext) -> None:
        while not stuck.seen.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await stuck.seen.wait()

    try:
        async with asyncio.timeout(20):
            await run(
                database,
                [Job("ignores_cancellation", ignores_cancellation, lambda _: SOON / 2)],
                on_stuck=stuck,
                **WATCHED,
            )
    finally:
        stuck.seen.set()  # if the test fails, the job must end nevertheless
    assert len(stuck.reasons) == 1


async def test_without_a_database_the_jobs_end_with_the_lease_and_then_the_process(
    database: Database, cluster: Cluster
) -> None:
    """The scheduler counts the lease by its own clock; the watchdog gives the reason as a sentence."""
    stuck, events = Stuck(), list[str]()

    async def hangs(_: JobContext) -> None:
        _refuse_connections(cluster, database)
        await hang(lambda: events.append("cancelled before" if not stuck.reasons else "cancelled after"))

    async with asyncio.timeout(20):
        await run(database, [Job("hangs", hangs, lambda _: HOUR)], on_stuck=stuck, **QUICK, **WATCHED)
    assert events == ["cancelled before"]
    assert "exiting to be restarted" in stuck.reasons[0]


def _refuse_connections(cluster: Cluster, database: Database) -> None:
    name = make_url(str(database.engine.url)).database or ""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the wall clock that APScheduler sees."""
    offset = timedelta(0)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Shifted":
            return super().now(tz) + offset

    def set_by(by: timedelta) -> None:
        nonlocal offset
        offset = by

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Shifted)
    return set_by


async def test_a_clock_that_is_set_back_ends_the_process(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """APScheduler would run no job for an hour, although event loop and database are healthy."""
    stuck, runs = Stuck(), list[float]()

    async def work(_: JobContext) -> None:
        set_clock(timedelta(hours=-1))
        runs.append(time.monotonic())

    async with asyncio.timeout(20):
        await run(database, [Job("work", work, lambda _: SOON)], on_stuck=stuck, **WATCHED)
    assert len(stuck.reasons) == 1
    assert time.monotonic() - runs[-1] < 3


async def test_a_clock_that_is_set_forward_an_hour_causes_one_extra_run(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """The runs that came due in that hour are one run, and the job continues at its interval."""
    runs: list[int] = []

    async def work(_: JobContext) -> None:
        runs.append(1)
        if len(runs) == 1:
            set_clock(timedelta(hours=1))
        if len(runs) == 5:
            stop_me()

    async with asyncio.timeout(20):
        began = time.monotonic()
        await run(database, [Job("work", work, lambda _: 0.2)], **WATCHED)
    assert time.monotonic() - began > 0.2 * 3, "the missed runs of that hour were not run one by one"


async def test_a_clock_that_is_set_far_forward_ends_the_process(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """APScheduler counts every missed run, and blocks the event loop meanwhile."""
    stuck = Stuck()

    async def work(_: JobContext) -> None:
        set_clock(timedelta(days=2))

    async with asyncio.timeout(60):
        await run(database, [Job("work", work, lambda _: SOON)], on_stuck=stuck, **WATCHED)
    assert len(stuck.reasons) == 1
