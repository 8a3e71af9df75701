"""The scheduler's clockwork: jobs run again and again, one turn that fails ends nothing, a stop is quick."""

import asyncio
import time

import pytest
from sqlalchemy import text

from core.database import Database
from scheduler import purge as purging
from scheduler import runtime
from scheduler.context import Context
from scheduler.jobs import JOBS, Job
from tests.factories import one, queued_deal, rows, running_deal
from tests.scheduler.running import HOUR, SOON, context, hang, rival, run, stop_me


async def test_a_job_that_fails_is_called_again_and_disturbs_no_other(database: Database) -> None:
    """Three turns of a job that always fails, beside one that works."""
    turns: list[str] = []

    async def fail(_: Context) -> None:
        turns.append("fail")
        raise ValueError("always")

    async def work(_: Context) -> None:
        turns.append("work")
        if turns.count("fail") >= 3 and turns.count("work") >= 3:
            stop_me()

    jobs = [Job("fail", fail, lambda _: SOON), Job("work", work, lambda _: SOON)]
    async with asyncio.timeout(20):
        await run(database, jobs)
    assert turns.count("fail") >= 3


async def test_a_slow_job_never_runs_twice_at_the_same_time(database: Database) -> None:
    """Turns that come due meanwhile are one turn afterwards."""
    inside: list[int] = [0, 0, 0]  # now, most at a time, turns

    async def slow(_: Context) -> None:
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


async def test_sigterm_ends_it_within_five_seconds_in_the_middle_of_a_job(database: Database) -> None:
    """What runs is cancelled, and has the chance to say so."""
    said: list[str] = []

    async def hang(_: Context) -> None:
        asyncio.get_running_loop().call_soon(stop_me)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            said.append("interrupted")
            raise

    began = time.monotonic()
    await run(database, [Job("hang", hang, lambda _: SOON)])
    assert said == ["interrupted"]
    assert time.monotonic() - began < 5


async def test_a_job_that_hangs_is_cut_and_its_next_turn_comes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After six turns without progress; one that says it moves is left alone for as long as it does."""
    monkeypatch.setattr(runtime, "SHORTEST_CUT_SECONDS", 0.3)
    events: list[str] = []

    async def hangs(_: Context) -> None:
        await hang(lambda: events.append("cut"))

    async def moves(context: Context) -> None:
        for _ in range(10):
            await asyncio.sleep(0.1)
            context.progress()
        events.append("moved")
        stop_me()

    async with asyncio.timeout(20):
        await run(database, [Job("hangs", hangs, lambda _: SOON), Job("moves", moves, lambda _: SOON)])
    assert events.count("moved") == 1
    assert events.index("moved") >= 2, "cut twice and more in the time that the other took"


async def test_a_stop_lets_the_next_scheduler_lead_at_once(database: Database) -> None:
    """It hands over when its own jobs have ended, not when its lease does."""
    turns: list[int] = []

    async def work(context: Context) -> None:
        turns.append(context.fence)
        stop_me()

    await run(database, [Job("work", work, lambda _: HOUR)])
    assert turns == [1]
    assert await rival(database).tick()


async def test_housekeeping_keeps_what_is_needed(database: Database) -> None:
    """Old finished runs, syncs and sessions go; a deal's latest run and everything recent stay."""
    await queued_deal(database)
    await running_deal(database)
    await rows(
        database,
        """WITH deal AS (SELECT id FROM deals LIMIT 1), old AS (
             INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
             SELECT id, 2, 'MANUAL', 'DONE', '[]', now() - interval '91 days' FROM deal RETURNING 1),
           latest AS (
             INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
             SELECT id, 3, 'MANUAL', 'DONE', '[]', now() - interval '91 days' FROM deal RETURNING id, deal_id),
           moved AS (UPDATE deals SET latest_run_id = latest.id FROM latest
             WHERE deals.id = latest.deal_id RETURNING 1),
           syncs AS (INSERT INTO sync_runs (kind, fence, outcome, ended_at)
             SELECT 'TAIL', 1, 'DONE', now() - make_interval(days => d) FROM generate_series(1, 40) AS d RETURNING 1)
           INSERT INTO sessions (id_hash, name, role, expires_at)
           VALUES ('a', 'old', 'admin', now() - interval '1 minute'), ('b', 'new', 'admin', now() + interval '1 hour')
           RETURNING 1""",
    )
    purge = next(job for job in JOBS if job.name == "purge")
    await purge.run(context(database))
    assert await rows(database, "SELECT number FROM pipeline_runs ORDER BY id") == [
        {"number": 1}, {"number": 1}, {"number": 3}
    ]  # fmt: skip
    assert await one(database, "SELECT count(*) FROM sync_runs") == 29
    assert await rows(database, "SELECT name FROM sessions") == [{"name": "new"}]


async def test_housekeeping_takes_snapshots_that_nobody_used(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an hour, read or only reserved, batch after batch; one that somebody writes at this moment stays."""
    monkeypatch.setattr(purging, "BATCH", 2)
    for name in ("young", *(f"old {number}" for number in range(5)), "written"):
        await queued_deal(database, name=name)
    await rows(
        database,
        """INSERT INTO deal_snapshots (deal_id, read_at, content)
           SELECT id, now() - make_interval(mins => CASE name WHEN 'young' THEN 59 ELSE 61 END),
                  CASE WHEN id % 2 = 0 THEN CAST('{}' AS jsonb) END FROM deals RETURNING 1""",
    )
    kept = "SELECT d.name FROM deal_snapshots AS s JOIN deals AS d ON d.id = s.deal_id ORDER BY d.id"
    being_written = "SELECT FROM deal_snapshots WHERE deal_id = (SELECT max(id) FROM deals) FOR UPDATE"
    async with database.write() as session:
        await session.execute(text(being_written))
        await purging.purge(context(database))
    assert await rows(database, kept) == [{"name": "young"}, {"name": "written"}]


async def test_the_reaper_is_one_of_the_jobs(database: Database) -> None:
    """It brings a run back whose lease is over, by the job that the scheduler really runs."""
    await running_deal(database, lease_seconds=0)
    reap = next(job for job in JOBS if job.name == "reap")
    await rows(database, "UPDATE pipeline_runs SET lease_until = '-infinity' RETURNING id")
    await reap.run(context(database))
    assert await one(database, "SELECT status FROM deals") == "QUEUED"
