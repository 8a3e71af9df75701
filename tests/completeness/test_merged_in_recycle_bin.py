"""Deals that HubSpot has merged and lists in the recycle bin as well: of the two states, the better known one wins."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from core.database import Database
from scheduler.context import JobContext
from scheduler.jobs import rerun_deals
from scheduler.sync.sync_jobs import archive, backfill, reconcile, tail
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.completeness.schedulers import leading
from tests.factories import rows

DEALS = 6
into_both = pytest.mark.parametrize("hubspot", [False, True], indirect=True, ids=["into a new deal", "into the first"])
# A row version or a lock of any deal or run would show.
STORED = """
SELECT to_jsonb(d) || jsonb_build_object('xmin', d.xmin::text, 'xmax', d.xmax::text) AS stored FROM deals AS d
UNION ALL
SELECT to_jsonb(r) || jsonb_build_object('xmin', r.xmin::text, 'xmax', r.xmax::text) FROM pipeline_runs AS r
ORDER BY 1
"""
MERGED = "SELECT hubspot_deal_id AS id, merged_into FROM deals WHERE merged_into IS NOT NULL"
SYNCS: Sequence[Callable[[JobContext], Awaitable[object]]] = (archive, tail, reconcile, archive)


@pytest.fixture
def hubspot(sandbox: Account, request: pytest.FixtureRequest) -> Account:
    """A merge makes a new deal, or keeps the first one if the parameter says so."""
    sandbox.start_again()
    sandbox.configure(merged_in_recycle_bin=True, primary_id_preserved=getattr(request, "param", False))
    return sandbox


@pytest.fixture
async def context(database: Database, hubspot: Account) -> AsyncIterator[JobContext]:
    async with leading(database, hubspot, backfill_process="all") as context:
        yield context


async def _synced(context: JobContext, hubspot: Account) -> None:
    await backfill(context)
    await tail(context)
    hubspot.advance(10)


def _merge(hubspot: Account, *pair: str) -> str:
    """Returns the id of the deal that both are now."""
    return str(hubspot.mutate(merge=[pair])["merged"][0]["into"])


async def _successors(database: Database) -> dict[str, Any]:
    return {row["id"]: row["merged_into"] for row in await rows(database, MERGED)}


async def _rests(context: JobContext, database: Database, hubspot: Account) -> None:
    """Once every sync has seen HubSpot's present state, none of them writes anything more."""
    for sync in (*SYNCS, rerun_deals):
        await sync(context)
    before = await rows(database, STORED)
    for sync in SYNCS:
        await sync(context)
        await rerun_deals(context)
        assert await rows(database, STORED) == before, sync.__name__
    assert await compare(database, hubspot.truth()) == []


@into_both
async def test_a_merged_deal_in_the_recycle_bin_stays_merged(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Whichever sync sees it first; its run ends once, as MERGED."""
    await _synced(context, hubspot)
    first, second, *_ = hubspot.ids(archived=False)
    heir = _merge(hubspot, first, second)
    await tail(context)
    merged = dict.fromkeys({first, second} - {heir}, heir)
    assert await _successors(database) == merged
    before = await rows(database, STORED)
    for _ in range(2):
        await archive(context)
        assert await rows(database, STORED) == before
    await _rests(context, database, hubspot)
    assert await _successors(database) == merged


async def test_a_deal_that_the_recycle_bin_shows_first_becomes_a_merged_one(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """Archived, until the deal that it was merged into is read."""
    await _synced(context, hubspot)
    first, second, *_ = hubspot.ids(archived=False)
    heir = _merge(hubspot, first, second)
    await archive(context)
    assert await _successors(database) == {}
    await _rests(context, database, hubspot)
    assert await _successors(database) == dict.fromkeys({first, second} - {heir}, heir)


@into_both
async def test_a_deal_that_is_merged_into_a_merged_deal_has_the_last_successor(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """The recycle bin shows each of them with its own former ids, which name the earlier successor."""
    await _synced(context, hubspot)
    first, second, third, *_ = hubspot.ids(archived=False)
    between = _merge(hubspot, first, second)
    await tail(context)
    hubspot.advance(10)
    heir = _merge(hubspot, third, between)
    await _rests(context, database, hubspot)
    assert await _successors(database) == dict.fromkeys({first, second, third, between} - {heir}, heir)


async def test_a_merged_deal_that_is_purged_from_the_recycle_bin_stays_merged(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """It does not become a purged one."""
    await _synced(context, hubspot)
    first, second, *_ = hubspot.ids(archived=False)
    heir = _merge(hubspot, first, second)
    await archive(context)
    await tail(context)
    hubspot.mutate(purge=[second])
    await _rests(context, database, hubspot)
    assert await _successors(database) == dict.fromkeys({first, second} - {heir}, heir)


@pytest.mark.parametrize("fate", ["archive", "purge"])
async def test_a_merged_deal_stays_merged_when_its_successor_leaves(
    context: JobContext, database: Database, hubspot: Account, fate: str
) -> None:
    """Archived, restored, or purged: the recycle bin still shows the merged deal."""
    await _synced(context, hubspot)
    first, second, *_ = hubspot.ids(archived=False)
    heir = _merge(hubspot, first, second)
    await tail(context)
    hubspot.mutate(**{fate: [heir]})
    await _rests(context, database, hubspot)
    assert await _successors(database) == dict.fromkeys({first, second} - {heir}, heir)
    if fate == "archive":
        hubspot.mutate(restore=[heir])
        await _rests(context, database, hubspot)
        assert await _successors(database) == dict.fromkeys({first, second} - {heir}, heir)


async def test_an_archived_deal_beside_a_merged_one_is_restored(
    context: JobContext, database: Database, hubspot: Account
) -> None:
    """What the recycle bin says of a deal that was not merged holds as before."""
    await _synced(context, hubspot)
    first, second, third, *_ = hubspot.ids(archived=False)
    _merge(hubspot, first, second)
    hubspot.mutate(archive=[third])
    await _rests(context, database, hubspot)
    hubspot.mutate(restore=[third])
    await _rests(context, database, hubspot)
