"""The runtime: periodic jobs, taking over and losing the leadership, and a quick stop."""

import asyncio
import time

from sqlalchemy import text

from core.database import Database
from scheduler.context import JobContext
from scheduler.jobs import Job
from scheduler.leadership import check_fence
from tests.factories import one, rows
from tests.scheduler.running import HOUR, QUICK, SOON, hang, rival, run, stop_me


async def test_a_failing_job_runs_again_and_does_not_affect_other_jobs(database: Database) -> None:
    """Three runs of a job that always fails, beside one that works."""
    runs: list[str] = []

    async def fail(_: JobContext) -> None:
        runs.append("fail")
        raise ValueError("always")

    async def work(_: JobContext) -> None:
        runs.append("work")
        if runs.count("fail") >= 3 and runs.count("work") >= 3:
            stop_me()

    jobs = [Job("fail", fail, lambda _: SOON), Job("work", work, lambda _: SOON)]
    async with asyncio.timeout(20):
        await run(database, jobs)
    assert runs.count("fail") >= 3


async def test_a_slow_job_never_runs_twice_at_the_same_time(database: Database) -> None:
    """Runs that come due meanwhile are one run afterwards."""
    inside: list[int] = [0, 0, 0]  # now, most at a time, runs

    async def slow(_: JobContext) -> None:
        inside[0] += 1
        inside[1] = max(inside[:2])
        await asyncio.sleep(SOON * 5)
        inside[0] -= 1
        inside[2] += 1
        if inside[2] == 3:
            stop_me()

    async with asyncio.timeout(20):
        await run(database, [Job("slow", slow, lambda _: SOON)])
    assert inside[1] == 1


async def test_sigterm_stops_the_scheduler_within_five_seconds_in_the_middle_of_a_job(database: Database) -> None:
    """The running job is cancelled, and can record that."""
    events: list[str] = []

    async def hang(_: JobContext) -> None:
        asyncio.get_running_loop().call_soon(stop_me)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            events.append("interrupted")
            raise

    began = time.monotonic()
    await run(database, [Job("hang", hang, lambda _: SOON)])
    assert events == ["interrupted"]
    assert time.monotonic() - began < 5


async def test_a_stop_lets_the_next_scheduler_lead_at_once(database: Database) -> None:
    """It releases the lease once its own jobs have ended, instead of letting it expire."""
    fences: list[int] = []

    async def work(context: JobContext) -> None:
        fences.append(context.fence)
        stop_me()

    await run(database, [Job("work", work, lambda _: HOUR)])
    assert fences == [1]
    assert await rival(database).tick()


class Journal:
    """The events so far, and a way to wait for more."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._changed = asyncio.Event()

    def note(self, event: str) -> None:
        self.events.append(event)
        self._changed.set()

    async def holds(self, *events: str) -> None:
        async with asyncio.timeout(10):
            while self.events != list(events):
                self._changed.clear()
                await self._changed.wait()


async def test_a_follower_runs_nothing_until_the_leader_releases_its_lease(database: Database) -> None:
    """Then every job runs at once, however long its interval, under the new fence."""
    leader, journal = rival(database), Journal()
    await leader.tick()

    async def fenced(context: JobContext) -> None:
        async with context.database.write() as session:
            await check_fence(session, context.fence)
        journal.note(f"fence {context.fence}")
        stop_me()

    running = asyncio.create_task(run(database, [Job("fenced", fenced, lambda _: HOUR)], **QUICK))
    await asyncio.sleep(0.5)  # some ticks, in which no job may run
    assert journal.events == []
    released_at = time.monotonic()
    await leader.release()
    await running
    assert journal.events == ["fence 2"]
    assert time.monotonic() - released_at < 2


async def test_a_replaced_leader_cancels_its_jobs_and_starts_none(database: Database) -> None:
    """Until it leads again: then they start at once, under a new fence."""
    other, journal = rival(database), Journal()

    async def hangs(context: JobContext) -> None:
        journal.note(f"fence {context.fence}")
        await hang(lambda: journal.note("cancelled"))

    jobs = [Job("hangs", hangs, lambda _: SOON)]
    running = asyncio.create_task(run(database, jobs, **QUICK))
    await journal.holds("fence 1")
    await database.run(text("UPDATE leases SET expires_at = clock_timestamp()"))
    assert await other.tick()
    await journal.holds("fence 1", "cancelled")
    await asyncio.sleep(0.5)  # many intervals, in which no job may run
    assert journal.events == ["fence 1", "cancelled"]
    await other.release()
    await journal.holds("fence 1", "cancelled", "fence 3")
    stop_me()
    await running


async def test_a_new_leader_ends_the_syncs_of_the_dead_one(database: Database) -> None:
    """Not before: a follower must not record the end of a sync that the living leader still runs."""
    leader = rival(database)
    await leader.tick()
    await rows(database, "INSERT INTO sync_runs (kind, outcome, fence) VALUES ('TAIL', 'RUNNING', 1) RETURNING id")
    seen: list[str] = []

    async def look(context: JobContext) -> None:
        seen.append(await one(context.database, "SELECT outcome FROM sync_runs"))
        stop_me()

    running = asyncio.create_task(run(database, [Job("look", look, lambda _: HOUR)], **QUICK))
    await asyncio.sleep(0.3)  # time enough to start and to follow
    assert await one(database, "SELECT outcome FROM sync_runs") == "RUNNING"
    await leader.release()
    await running
    assert seen == ["INTERRUPTED"]
