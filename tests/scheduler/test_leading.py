"""What a scheduler does when it begins to lead, when it leads no more, and when it can do neither."""

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
from sqlalchemy import make_url, text

from core.database import Database
from deploy.postgres import Cluster
from scheduler.context import Context
from scheduler.jobs import Job
from scheduler.leadership import check_fence
from tests.factories import one, rows
from tests.scheduler.clockwork import HOUR, SOON, hang, rival, run, stop_me

QUICK: dict[str, Any] = {"leader_ttl_seconds": 0.6}
WATCHED: dict[str, Any] = {"watchdog_seconds": 1.0}


class Journal:
    """What has happened, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._news = asyncio.Event()

    def note(self, event: str) -> None:
        self.events.append(event)
        self._news.set()

    async def holds(self, *events: str) -> None:
        async with asyncio.timeout(10):
            while self.events != list(events):
                self._news.clear()
                await self._news.wait()


async def test_a_follower_runs_nothing_until_the_leader_leaves(database: Database) -> None:
    """Then every job runs at once, however long its interval, under the new fence."""
    leader, journal = rival(database), Journal()
    await leader.tick()

    async def fenced(context: Context) -> None:
        async with context.database.write() as session:
            await check_fence(session, context.fence)
        journal.note(f"fence {context.fence}")
        stop_me()

    running = asyncio.create_task(run(database, [Job("fenced", fenced, lambda _: HOUR)], **QUICK))
    await asyncio.sleep(0.5)  # some ticks, in which nothing may happen
    assert journal.events == []
    left_at = time.monotonic()
    await leader.release()
    await running
    assert journal.events == ["fence 2"]
    assert time.monotonic() - left_at < 2


async def test_a_leader_that_is_replaced_cuts_its_jobs_and_begins_none(database: Database) -> None:
    """Until it leads again: then they begin at once, under a new fence."""
    other, journal = rival(database), Journal()

    async def hangs(context: Context) -> None:
        journal.note(f"fence {context.fence}")
        await hang(lambda: journal.note("cut"))

    jobs = [Job("hangs", hangs, lambda _: SOON)]
    running = asyncio.create_task(run(database, jobs, **QUICK))
    await journal.holds("fence 1")
    await database.run(text("UPDATE leases SET expires_at = clock_timestamp()"))
    assert await other.tick()
    await journal.holds("fence 1", "cut")
    await asyncio.sleep(0.5)  # many turns' time, in which nothing may happen
    assert journal.events == ["fence 1", "cut"]
    await other.release()
    await journal.holds("fence 1", "cut", "fence 3")
    stop_me()
    await running


async def test_who_begins_to_lead_closes_what_the_dead_leader_has_left(database: Database) -> None:
    """Not before: a scheduler that follows must not end the sync of the living one in the records."""
    leader = rival(database)
    await leader.tick()
    await rows(database, "INSERT INTO sync_runs (kind, outcome, fence) VALUES ('TAIL', 'RUNNING', 1) RETURNING id")
    seen: list[str] = []

    async def look(context: Context) -> None:
        seen.append(await one(context.database, "SELECT outcome FROM sync_runs"))
        stop_me()

    running = asyncio.create_task(run(database, [Job("look", look, lambda _: HOUR)], **QUICK))
    await asyncio.sleep(0.3)  # time enough to start and to follow
    assert await one(database, "SELECT outcome FROM sync_runs") == "RUNNING"
    await leader.release()
    await running
    assert seen == ["INTERRUPTED"]


class Stuck:
    """The watchdog's verdict, in place of the process's end: the runtime is told to stop."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.seen = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self._loop.call_soon_threadsafe(self.seen.set)
        stop_me()


async def test_a_job_that_will_not_end_ends_the_process(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was cut for hanging and swallows that: nothing but a new process helps."""
    monkeypatch.setattr("scheduler.runtime.SHORTEST_CUT_SECONDS", 0.2)
    stuck = Stuck()

    async def will_not_end(_: Context) -> None:
        while not stuck.seen.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await stuck.seen.wait()

    try:
        async with asyncio.timeout(20):
            await run(database, [Job("will_not_end", will_not_end, lambda _: SOON / 2)], on_stuck=stuck, **WATCHED)
    finally:
        stuck.seen.set()  # if the test fails, it must end nevertheless
    assert len(stuck.reasons) == 1


async def test_a_lost_database_ends_the_jobs_with_the_lease_and_the_process_after_that(
    database: Database, cluster: Cluster
) -> None:
    """By its own clock, as nobody can be asked; the watchdog says why in words."""
    stuck, events = Stuck(), list[str]()

    async def hangs(_: Context) -> None:
        _refuse_connections(cluster, database)
        await hang(lambda: events.append("cut before" if not stuck.reasons else "cut after"))

    async with asyncio.timeout(20):
        await run(database, [Job("hangs", hangs, lambda _: HOUR)], on_stuck=stuck, **QUICK, **WATCHED)
    assert events == ["cut before"]
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


async def test_a_clock_that_goes_back_ends_the_process(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """APScheduler would call nobody for an hour, with a loop and a database that are well."""
    stuck, turns = Stuck(), list[float]()

    async def work(_: Context) -> None:
        set_clock(timedelta(hours=-1))
        turns.append(time.monotonic())

    async with asyncio.timeout(20):
        await run(database, [Job("work", work, lambda _: SOON)], on_stuck=stuck, **WATCHED)
    assert len(stuck.reasons) == 1
    assert time.monotonic() - turns[-1] < 3


async def test_a_clock_that_goes_forward_an_hour_is_one_turn_more(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """All that came due meanwhile is one turn, and the work goes on."""
    turns: list[int] = []

    async def work(_: Context) -> None:
        turns.append(1)
        if len(turns) == 1:
            set_clock(timedelta(hours=1))
        if len(turns) == 5:
            stop_me()

    async with asyncio.timeout(20):
        began = time.monotonic()
        await run(database, [Job("work", work, lambda _: 0.2)], **WATCHED)
    assert time.monotonic() - began > 0.2 * 3, "the turns of that hour were not run one by one"


async def test_a_clock_that_goes_far_forward_ends_the_process(
    database: Database, set_clock: Callable[[timedelta], None]
) -> None:
    """APScheduler counts every turn that was missed, and the loop stands still meanwhile."""
    stuck = Stuck()

    async def work(_: Context) -> None:
        set_clock(timedelta(days=2))

    async with asyncio.timeout(60):
        await run(database, [Job("work", work, lambda _: SOON)], on_stuck=stuck, **WATCHED)
    assert len(stuck.reasons) == 1
