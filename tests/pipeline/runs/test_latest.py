"""Locks a deal's latest run, so that what an operation decides about it stays true."""

import asyncio

import pytest

from core.database import Database
from models import RunStatus, RunTrigger
from pipeline.queue import Priority
from pipeline.runs.latest import UNDO_SECONDS, LatestRun, LockedDeal
from pipeline.runs.starting import NewRun
from pipeline.runs.store import RunStore
from tests.factories import STAGE_NAMES, done_deal, insert_deal, one, rows, run_store, running_deal

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"


async def locked(database: Database, deal_id: int) -> LockedDeal | None:
    async with database.write() as session:
        return await RunStore.lock_latest(session, deal_id)


async def test_the_latest_run_is_found_with_its_deal(database: Database) -> None:
    """A deal may have no run; an unknown deal is None."""
    lease = await done_deal(database)
    run = LatestRun(lease.run_id, 1, RunStatus.DONE, is_cancelled=False, can_undo=False)
    assert await locked(database, lease.deal_id) == LockedDeal(run, is_superseded=False)
    assert await locked(database, await insert_deal(database)) == LockedDeal(None, is_superseded=False)
    assert await locked(database, 999) is None


@pytest.mark.parametrize(("seconds_ago", "can_undo"), [(UNDO_SECONDS - 5, True), (UNDO_SECONDS + 1, False)])
async def test_a_cancel_can_be_undone_for_ten_seconds(database: Database, seconds_ago: int, can_undo: bool) -> None:
    """By the database's clock."""
    lease = await running_deal(database)
    requested = "UPDATE pipeline_runs SET cancel_requested_at = now() - make_interval(secs => :seconds) RETURNING id"
    await rows(database, requested, seconds=seconds_ago)
    found = await locked(database, lease.deal_id)
    assert found is not None
    assert found.run == LatestRun(lease.run_id, 1, RunStatus.RUNNING, is_cancelled=True, can_undo=can_undo)


async def test_the_lock_keeps_a_worker_from_moving_the_run(database: Database) -> None:
    """Its claim waits for the end of the transaction."""
    lease = await running_deal(database)
    async with database.write() as session:
        await RunStore.lock_latest(session, lease.deal_id)
        renewal = asyncio.create_task(run_store(database).renew(lease))
        await waits(database)
        assert not renewal.done()
    await renewal


async def test_a_run_that_is_started_during_the_wait_is_reported(database: Database) -> None:
    """The locked run is no longer the deal's latest: the caller must not decide about it."""
    lease = await done_deal(database)
    run = NewRun(
        deal_id=lease.deal_id,
        trigger=RunTrigger.MANUAL,
        priority=Priority.NOW,
        stages=STAGE_NAMES,
        requested_by="cli:ada",
    )
    async with database.write() as session:
        await RunStore.start(session, run)
        second = asyncio.create_task(locked(database, lease.deal_id))
        await waits(database)
    found = await second
    assert found is not None
    assert found.is_superseded
    assert found.run is not None
    assert found.run.run_id == lease.run_id


async def waits(database: Database) -> None:
    """Return as soon as a statement waits for another transaction."""
    async with asyncio.timeout(5):
        while not await one(database, WAITING):  # noqa: ASYNC110 - another session's lock
            await asyncio.sleep(0.01)
