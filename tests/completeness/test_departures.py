"""Deals that leave and return, deals that change while they are processed, and too many new deals at once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore
from pipeline.runs.transition import StepEnd, Transition
from scheduler.context import JobContext
from scheduler.jobs import rerun_deals
from scheduler.sync.sync_jobs import archive, backfill, reconcile, tail
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.completeness.schedulers import leading
from tests.factories import WORKER, one, rows, run_store

DEALS = 10
HOLD_ABOVE = 3
DEAL = """
SELECT d.id, d.status::text, d.merged_into, d.archived_at IS NOT NULL AS archived, d.purged_at IS NOT NULL AS purged,
       r.reason::text, (SELECT array_agg(o.trigger::text ORDER BY o.number) FROM pipeline_runs AS o
                        WHERE o.deal_id = d.id) AS triggers
FROM deals AS d JOIN pipeline_runs AS r ON r.id = d.latest_run_id WHERE d.hubspot_deal_id = :id
"""
JOBS = "SELECT count(*) FROM procrastinate_jobs"


@pytest.fixture
async def context(database: Database, hubspot: Account) -> AsyncIterator[JobContext]:
    """For an account whose deals are all synced and queued."""
    async with leading(
        database, hubspot, backfill_process="all", rerun_on="dealstage", sync_hold_above=HOLD_ABOVE
    ) as context:
        await backfill(context)
        await tail(context)
        yield context


async def deal(database: Database, identifier: str) -> dict[str, Any]:
    found = await rows(database, DEAL, id=identifier)
    assert len(found) == 1
    return found[0]


async def claimed(database: Database, identifier: str) -> Lease:
    """The deal's run, claimed and started by a worker."""
    lease = await run_store(database).claim((await deal(database, identifier))["id"], worker=WORKER)
    assert lease is not None
    await run_store(database).move(lease, Transition(begin=len(lease.stages) - 1))
    return lease


async def done(database: Database, lease: Lease) -> None:
    end = StepEnd(len(lease.stages) - 1, StepStatus.DONE)
    await run_store(database).move(lease, Transition(status=RunStatus.DONE, end=end))


async def test_the_run_of_an_archived_deal_ends_and_a_restored_deal_is_processed_again(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Archiving ended its run, so restoring starts another one; the NEW run stays as a record."""
    (gone,) = hubspot.mutate(archive=1)["archived"]
    await archive(context)
    found = await deal(database, gone)
    assert (found["status"], found["reason"], found["archived"]) == ("SKIPPED", "ARCHIVED", True)
    hubspot.mutate(restore=[gone])
    await archive(context)
    for _ in range(2):
        await rerun_deals(context)
    found = await deal(database, gone)
    assert (found["status"], found["archived"], found["triggers"]) == ("QUEUED", False, ["NEW", "CHANGED"])
    assert await compare(database, hubspot.truth()) == []


async def test_a_deal_that_was_done_before_it_was_archived_is_not_processed_again(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Archiving ended no run, so restoring starts none."""
    gone = hubspot.ids(archived=False)[0]
    await done(database, await claimed(database, gone))
    hubspot.mutate(archive=[gone])
    await archive(context)
    assert (await deal(database, gone))["archived"]
    hubspot.mutate(restore=[gone])
    await archive(context)
    await rerun_deals(context)
    found = await deal(database, gone)
    assert (found["status"], found["archived"], found["triggers"]) == ("DONE", False, ["NEW"])


@pytest.mark.parametrize("keeps_id", [False, True], ids=["into a new deal", "into the first"])
async def test_merged_deals_name_the_deal_that_they_were_merged_into(
    context: JobContext, database: Database, hubspot: Account, keeps_id: bool
) -> None:
    """The next tail finds it, because the merged deal lists them; tsuccessor waiting runs end as SKIPPED."""
    hubspot.configure(primary_id_preserved=keeps_id)
    hubspot.advance(10)
    ((pair, successor),) = [(merged["from"], merged["into"]) for merged in hubspot.mutate(merge=1)["merged"]]
    await tail(context)
    for identifier in set(pair) - {successor}:
        found = await deal(database, identifier)
        assert (found["status"], found["reason"]) == ("SKIPPED", "MERGED")
        assert (found["merged_into"], found["archived"], found["purged"]) == (successor, True, False)
    found = await deal(database, successor)
    assert (found["status"], found["merged_into"], found["triggers"]) == ("QUEUED", None, ["NEW"])
    assert await compare(database, hubspot.truth()) == []


async def test_a_merged_deal_is_not_taken_for_a_purged_one_when_its_successor_is_archived(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """HubSpot answers for the merged deal's id only in the recycle bin."""
    ((pair, successor),) = [(merged["from"], merged["into"]) for merged in hubspot.mutate(merge=1)["merged"]]
    hubspot.mutate(archive=[successor])
    await reconcile(context)
    for identifier in pair:
        found = await deal(database, identifier)
        assert (found["merged_into"], found["purged"], found["reason"]) == (successor, False, "MERGED")
    await archive(context)
    assert await compare(database, hubspot.truth()) == []


@pytest.mark.parametrize("from_the_bin", [False, True], ids=["live", "out of the recycle bin"])
async def test_a_purged_deal_stays_as_a_record(
    context: JobContext, database: Database, hubspot: Account, from_the_bin: bool
) -> None:
    """Marked, its run ended, not deleted: its history can be looked up."""
    gone = hubspot.ids(archived=False)[0]
    if from_the_bin:
        hubspot.mutate(archive=[gone])
        await archive(context)
    hubspot.mutate(purge=[gone])
    await (archive if from_the_bin else reconcile)(context)
    found = await deal(database, gone)
    assert (found["status"], found["purged"], found["archived"]) == ("SKIPPED", True, True)
    assert found["reason"] == ("ARCHIVED" if from_the_bin else "NOT_FOUND")
    assert await compare(database, hubspot.truth()) == []


async def test_a_wrongly_purged_deal_is_restored(context: JobContext, database: Database, hubspot: Account) -> None:
    """Empty pages and a 404 made it look purged. It is unchanged; the reconcile restores it and starts a run."""
    last = hubspot.ids(archived=False)[-1]
    hubspot.fault("empty_page", r"/0-3\?", times=1)
    hubspot.fault("empty_page", "/batch/read", times=3)
    hubspot.fault("not_found", r"/0-3/\d+\?", times=2 * DEALS)
    await reconcile(context)
    hubspot.clear_faults()
    assert (await deal(database, last))["purged"]
    await reconcile(context)
    await rerun_deals(context)
    found = await deal(database, last)
    assert (found["status"], found["purged"], found["triggers"]) == ("QUEUED", False, ["NEW", "CHANGED"])
    assert await compare(database, hubspot.truth()) == []


async def test_changes_during_a_run_start_one_more(context: JobContext, database: Database, hubspot: Account) -> None:
    """However many changes, and however often the job runs: one CHANGED run, after the current run."""
    changing = await _open_deal(hubspot)
    lease = await claimed(database, changing)
    for _ in range(3):
        await _next_stage(context, hubspot, changing)
        await rerun_deals(context)
        assert (await deal(database, changing))["triggers"] == ["NEW"]
    await done(database, lease)
    for _ in range(2):
        await rerun_deals(context)
    found = await deal(database, changing)
    assert (found["status"], found["triggers"]) == ("QUEUED", ["NEW", "CHANGED"])
    assert await compare(database, hubspot.truth()) == []


async def _open_deal(hubspot: Account) -> str:
    return next(
        key for key, deal in hubspot.truth().items() if deal["dealstage"] in ("appointmentscheduled", "qualifiedtobuy")
    )


async def _next_stage(context: JobContext, hubspot: Account, identifier: str) -> None:
    """People edit the deal until its stage has changed, and the tail reads it."""
    before = hubspot.truth()[identifier]["dealstage"]
    while hubspot.truth()[identifier]["dealstage"] == before:
        hubspot.advance(10)
        hubspot.mutate(edit=[identifier])
    await tail(context)


async def test_runs_above_the_limit_are_approved(context: JobContext, database: Database, hubspot: Account) -> None:
    """Runs beyond SYNC_HOLD_ABOVE are stored and held, without jobs; approved they are queued."""
    queued = await one(database, JOBS)
    hubspot.advance(10)
    created = hubspot.mutate(create=HOLD_ABOVE + 2)["created"]
    await tail(context)
    assert await RunStore.count_held(database) == 2
    assert await one(database, JOBS) == queued + HOLD_ABOVE
    assert await compare(database, hubspot.truth()) == []
    async with database.write() as session:
        assert await RunStore.release_held(session) == 2
    assert await one(database, JOBS) == queued + len(created)
    assert await compare(database, hubspot.truth()) == []


async def test_held_runs_can_be_dropped(context: JobContext, database: Database, hubspot: Account) -> None:
    """The held runs end, the others are unchanged; the deals stay."""
    hubspot.advance(10)
    hubspot.mutate(create=HOLD_ABOVE + 2)
    await tail(context)
    queued = await one(database, JOBS)
    async with database.write() as session:
        assert await RunStore.drop_held(session) == 2
    assert (await RunStore.count_held(database), await one(database, JOBS)) == (0, queued)
    assert await one(database, "SELECT count(*) FROM deals WHERE status = 'CANCELLED'") == 2
    assert await compare(database, hubspot.truth()) == []


async def test_a_mass_touch_starts_nothing(context: JobContext, database: Database, hubspot: Account) -> None:
    """Every modification time is stored; no run or job is created, and no deal moves in the queue."""
    shown = "SELECT id, updated_at, rerun_wanted_at FROM deals ORDER BY id"
    before, jobs = await rows(database, shown), await one(database, JOBS)
    hubspot.advance(10)
    hubspot.mutate(touch=1, all=True, same_timestamp=True)
    hubspot.mutate(pipeline_edit="default")
    await tail(context)
    await rerun_deals(context)
    assert (await rows(database, shown), await one(database, JOBS)) == (before, jobs)
    assert await one(database, "SELECT count(*) FROM pipeline_runs") == DEALS
    assert await compare(database, hubspot.truth()) == []
