"""Deals whose modification time goes back: HubSpot's list is believed, its search index is not."""

from collections.abc import AsyncIterator

import pytest

from core.database import Database
from scheduler.context import JobContext
from scheduler.jobs import rerun_deals
from scheduler.sync.sync_jobs import archive, backfill, backfill_again, reconcile, settle, tail
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.completeness.schedulers import leading
from tests.factories import one, rows

DEALS = 6
STORED = """
SELECT to_jsonb(d) || jsonb_build_object('xmin', d.xmin::text, 'xmax', d.xmax::text) AS stored FROM deals AS d
UNION ALL SELECT to_jsonb(r) FROM pipeline_runs AS r ORDER BY 1
"""
BACKDATED = "SELECT sum(backdated)::int FROM sync_runs WHERE kind = CAST(:kind AS sync_kind)"


@pytest.fixture
async def context(database: Database, hubspot: Account) -> AsyncIterator[JobContext]:
    """For an account whose deals are all synced."""
    async with leading(database, hubspot, backfill_process="all", rerun_on="dealstage") as context:
        await backfill(context)
        await tail(context)
        hubspot.advance(10)
        yield context


@pytest.mark.parametrize("sync", [reconcile, backfill_again])
async def test_content_of_an_earlier_time_is_taken_from_the_list(
    context: JobContext, database: Database, hubspot: Account, sync: object
) -> None:
    """By the reconcile and by the backfill, counted; a second one, and every other sync, changes nothing."""
    hubspot.mutate(backdate=3)
    assert len(await compare(database, hubspot.truth(), live_only=True)) == 3
    await (backfill_again if sync is backfill_again else reconcile)(context)
    assert await compare(database, hubspot.truth()) == []
    assert await one(database, BACKDATED, kind="BACKFILL" if sync is backfill_again else "RECONCILE") == 3
    await rerun_deals(context)
    before = await rows(database, STORED)
    for again in (tail, settle, reconcile, archive, backfill_again, tail):
        await again(context)
        await rerun_deals(context)
        assert await rows(database, STORED) == before


async def test_what_a_search_shows_of_an_earlier_time_is_read_by_id(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Within the overlap of a tail: the deal is not stale until the next reconcile."""
    (deal,) = hubspot.mutate(edit=1)["edited"]
    await tail(context)
    hubspot.mutate(backdate=[deal])
    await tail(context)
    assert await compare(database, hubspot.truth()) == []
    assert await one(database, BACKDATED, kind="TAIL") == 1


async def test_an_index_that_shows_superseded_content_does_not_undo_the_list(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """The index still has the later time and the earlier content; later edits are taken from it again."""
    (deal,) = hubspot.mutate(edit=1)["edited"]
    await tail(context)
    hubspot.configure(lag_ms=(60_000, 60_000), stale_bodies=True)
    hubspot.mutate(backdate=[deal])
    await reconcile(context)
    assert await compare(database, hubspot.truth()) == []
    await rerun_deals(context)
    before = await rows(database, STORED)
    for sync in (tail, settle, reconcile, tail):
        await sync(context)
        assert await rows(database, STORED) == before
    hubspot.advance(61)
    await tail(context)
    assert await rows(database, STORED) == before
    hubspot.configure(lag_ms=(0, 0))
    hubspot.mutate(edit=[deal])
    await tail(context)
    assert await compare(database, hubspot.truth()) == []


async def test_a_time_that_goes_back_again_and_again_is_followed(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Each time by the list, and forward by the tail."""
    (deal,) = hubspot.mutate(backdate=1)["backdated"]
    for _ in range(2):
        await reconcile(context)
        assert await compare(database, hubspot.truth()) == []
        hubspot.mutate(backdate=[deal])
    await reconcile(context)
    assert await one(database, BACKDATED, kind="RECONCILE") == 3
    hubspot.advance(10)
    hubspot.mutate(edit=[deal])
    await tail(context)
    assert await compare(database, hubspot.truth()) == []
    assert await one(database, "SELECT count(*) FROM deals WHERE superseded_modified_at IS NOT NULL") == 0


async def test_an_archived_deal_whose_time_goes_back_is_read_from_the_recycle_bin(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """The archive scan is a list as well."""
    deal = hubspot.ids(archived=False)[0]
    hubspot.mutate(backdate=[deal])
    hubspot.mutate(archive=[deal])
    await archive(context)
    await archive(context)
    assert await compare(database, hubspot.truth()) == []
    assert await one(database, BACKDATED, kind="ARCHIVE") == 1


async def test_a_restored_deal_that_a_search_shows_is_read_by_id(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Its time of modification has not moved; the next tail restores it, not the next archive scan."""
    (deal,) = hubspot.mutate(edit=1)["edited"]
    hubspot.mutate(archive=[deal])
    await archive(context)
    hubspot.mutate(restore=[deal])
    await tail(context)
    assert await compare(database, hubspot.truth()) == []
