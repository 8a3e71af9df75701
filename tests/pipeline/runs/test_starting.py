"""Starts further runs of deals: on request, and after a change in HubSpot."""

import pytest
from sqlalchemy.exc import IntegrityError

from core.database import Database
from models import RunTrigger
from pipeline.queue import Priority
from pipeline.runs.starting import NewRun, Started
from pipeline.runs.store import RunStore
from tests.factories import STAGE_NAMES, done_deal, one, queued_deal, rows, run_store
from tests.pipeline.operations.states import last_run

WANTED = "UPDATE deals SET rerun_wanted_at = now() WHERE id = :id RETURNING id"


def new_run(deal_id: int, **carried: object) -> NewRun:
    return NewRun(
        deal_id=deal_id,
        trigger=RunTrigger.RETRY,
        priority=Priority.NEW,
        stages=STAGE_NAMES,
        requested_by="cli:ada",
        **carried,  # type: ignore[arg-type]
    )


async def start(database: Database, run: NewRun) -> Started:
    async with database.write() as session:
        return await RunStore.start(session, run)


async def test_a_new_run_carries_over_the_named_steps_only(database: Database) -> None:
    """In the order in which they are named, with their outputs and without their attempts."""
    lease = await done_deal(database)
    started = await start(database, new_run(lease.deal_id, carried=["fetch", "validate"], carried_from=lease.run_id))
    assert started.number == 2
    assert await last_run(database, lease.deal_id) == {
        "number": 2, "trigger": "RETRY", "status": "QUEUED", "priority": 10, "deal": "QUEUED", "stage": "validate",
        "requested_by": "cli:ada", "jobs": 1, "steps": ["fetch DONE 0", "validate DONE 0"],
    }  # fmt: skip
    claimed = await run_store(database).claim(lease.deal_id, worker="w")
    assert claimed is not None
    assert (claimed.position, claimed.outputs["validate"]) == (2, {"stage": "validate"})


async def test_a_deal_with_an_active_run_gets_no_other(database: Database) -> None:
    """The index refuses it, and nothing of the second run is left, not even its job."""
    deal_id = await queued_deal(database)
    with pytest.raises(IntegrityError, match="uq_pipeline_runs_active"):
        await start(database, new_run(deal_id))
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 1


async def test_a_change_starts_one_run_when_the_deal_has_none_active(database: Database) -> None:
    """A whole run with the trigger CHANGED; the request is served, so that a second call starts nothing."""
    lease = await done_deal(database)
    await rows(database, WANTED, id=lease.deal_id)
    assert [await run_store(database).start_wanted(STAGE_NAMES) for _ in range(2)] == [1, 0]
    run = await last_run(database, lease.deal_id)
    assert (run["number"], run["trigger"], run["stage"], run["steps"], run["jobs"]) == (2, "CHANGED", None, [], 1)
    assert await one(database, "SELECT rerun_wanted_at FROM deals") is None


async def test_a_change_waits_for_the_active_run_and_an_archived_deal_gets_none(database: Database) -> None:
    """The request of a deal that is being processed stays until its run has ended."""
    active, archived = await queued_deal(database), (await done_deal(database)).deal_id
    for deal_id in (active, archived):
        await rows(database, WANTED, id=deal_id)
    await rows(database, "UPDATE deals SET archived_at = now() WHERE id = :id RETURNING id", id=archived)
    assert await run_store(database).start_wanted(STAGE_NAMES) == 0
    assert await one(database, "SELECT count(*) FROM deals WHERE rerun_wanted_at IS NOT NULL") == 2
    await rows(database, "UPDATE pipeline_runs SET status = 'DONE' WHERE deal_id = :id RETURNING id", id=active)
    assert await run_store(database).start_wanted(STAGE_NAMES) == 1


async def test_a_locked_deal_is_left_to_the_next_call(database: Database) -> None:
    """An operation holds the lock: waiting for it could deadlock."""
    lease = await done_deal(database)
    await rows(database, WANTED, id=lease.deal_id)
    async with database.write() as session:
        await RunStore.lock_latest(session, lease.deal_id)
        assert await run_store(database).start_wanted(STAGE_NAMES) == 0
    assert await run_store(database).start_wanted(STAGE_NAMES) == 1


async def test_runs_of_changed_deals_above_the_limit_are_held(database: Database) -> None:
    """New deals come first; what waits already counts, what has run does not. Approved, they are queued."""
    deals = [(await done_deal(database)).deal_id for _ in range(5)]
    for deal_id in deals[:4]:
        await rows(database, WANTED, id=deal_id)
    assert await run_store(database).start_wanted(STAGE_NAMES, hold_above=2) == 4
    runs = [await last_run(database, deal_id) for deal_id in deals[:4]]
    assert [(run["trigger"], run["status"], run["jobs"]) for run in runs] == [("CHANGED", "QUEUED", 1)] * 2 + [
        ("CHANGED", "QUEUED", 0)
    ] * 2
    assert Priority.BACKFILL < runs[0]["priority"] < Priority.NEW
    assert await RunStore.count_held(database) == 2
    await rows(database, WANTED, id=deals[4])
    assert await run_store(database).start_wanted(STAGE_NAMES, hold_above=2) == 1
    assert await RunStore.count_held(database) == 3
    async with database.write() as session:
        assert await RunStore.release_held(session) == 3
    assert (await last_run(database, deals[4]))["jobs"] == 1


async def test_a_held_run_of_a_changed_deal_can_be_dropped(database: Database) -> None:
    """The deal keeps its earlier findings, and its next recheck."""
    deal_id = (await done_deal(database)).deal_id
    await rows(database, WANTED, id=deal_id)
    assert await run_store(database).start_wanted(STAGE_NAMES, hold_above=0) == 1
    async with database.write() as session:
        assert await RunStore.drop_held(session) == 1
    assert await one(database, "SELECT status FROM deals") == "CANCELLED"
    assert await run_store(database).start_wanted(STAGE_NAMES, hold_above=0) == 0
