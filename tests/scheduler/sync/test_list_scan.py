"""HubSpot's list is read in concurrent parts, and shows which stored deals have left."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from crm.scanning import ListPage
from models import SyncKind
from scheduler.context import JobContext
from scheduler.sync import list_scan
from scheduler.sync.record_reader import DealPage
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart, save_part
from scheduler.sync.sync_jobs import archive, backfill, reconcile
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.factories import one
from tests.scheduler.sync.stored import SMALL, last_sync

LIST = r"/0-3\?"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a page each, read by two readers."""
    monkeypatch.setattr(list_scan, "DEALS_IN_A_PART", 4)
    monkeypatch.setattr(list_scan, "READERS", 2)


@pytest.mark.usefixtures("small_parts")
async def test_a_list_is_read_in_parts(small_context: JobContext, database: Database, small: Account) -> None:
    """At the same time; each deal is stored once."""
    await backfill(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["new"]) == ("DONE", SMALL)
    assert last["pages"] > SMALL / 4, "one part would need no more pages"
    assert await compare(database, small.truth()) == []


async def test_an_idle_reader_takes_half_of_a_part_that_is_still_being_read(
    small_context: JobContext, database: Database, small: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two readers one has 14 deals; the other one has 6 and ends before the first one's first page has told how
    many are left. It waits for that page and takes half of the rest; no deal is missing."""
    monkeypatch.setattr(list_scan, "DEALS_IN_A_PART", 1)
    monkeypatch.setattr(list_scan, "READERS", 2)
    border = sorted(map(int, small.ids(archived=False)))[14]
    small_part_read, half_taken = asyncio.Event(), asyncio.Event()
    store, list_deals = RunningSync.store, small_context.crm.list_deals

    async def store_and_tell(sync: RunningSync, page: DealPage, part: ScanPart, **cursor: Any) -> None:
        await store(sync, page, part, **cursor)
        if part.part == 1 and part.done:
            small_part_read.set()

    async def list_later(*, after_id: int, archived: bool) -> ListPage:
        if after_id == 1:
            await small_part_read.wait()
        elif after_id < border:
            await asyncio.wait_for(half_taken.wait(), timeout=10)
        return await list_deals(after_id=after_id, archived=archived)

    async def save_half(session: AsyncSession, part: ScanPart) -> None:
        await save_part(session, part)
        if part.part == 2:
            half_taken.set()

    monkeypatch.setattr(RunningSync, "store", store_and_tell)
    monkeypatch.setattr(small_context.crm, "list_deals", list_later)
    monkeypatch.setattr(list_scan, "save_part", save_half)
    async with database.write() as session:
        await save_part(session, ScanPart(SyncKind.BACKFILL, 0, until_id=border))
        await save_part(session, ScanPart(SyncKind.BACKFILL, 1, last_id=border - 1))
    await backfill(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["new"]) == ("DONE", SMALL)
    assert half_taken.is_set()
    assert await compare(database, small.truth()) == []


async def test_an_empty_page_in_the_middle_of_a_list_is_read_again(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """The list continues behind it: its deals are not taken for missing ones."""
    await backfill(small_context)
    small.fault("empty_page", LIST, skip=1, times=1)
    await reconcile(small_context)
    assert small.clear_faults() == {"empty_page": 1}
    assert (await last_sync(database))["outcome"] == "DONE"
    assert await compare(database, small.truth()) == []


async def test_the_list_shows_which_deals_have_left(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """A stored deal that the list does not have is looked up by its id."""
    await backfill(small_context)
    small.advance(10)
    small.mutate(archive=1, purge=1)
    await reconcile(small_context)
    assert await one(database, "SELECT count(*) FROM deals WHERE archived_at IS NOT NULL") == 2
    assert await one(database, "SELECT count(*) FROM deals WHERE purged_at IS NOT NULL") == 1
    assert await compare(database, small.truth()) == []


@pytest.mark.parametrize("kind", ["missing_next", "false_end"])
@pytest.mark.parametrize("skip", [0, 2, 4], ids=["first", "third", "last"])
async def test_a_page_that_seems_to_be_the_last_one_does_not_end_a_list(
    small_context: JobContext, database: Database, small: Account, kind: str, skip: int
) -> None:
    """The cursor of a full page is missing, or a page before the announced end is empty: the rest is read."""
    small.fault(kind, LIST, skip=skip, times=1)
    await backfill(small_context)
    applied = small.clear_faults()
    assert applied == ({} if (kind, skip) == ("missing_next", 4) else {kind: 1})
    assert (await last_sync(database))["outcome"] == "DONE"
    assert await compare(database, small.truth()) == []


@pytest.mark.parametrize("kind", ["missing_next", "false_end"])
async def test_a_page_that_seems_to_be_the_last_one_does_not_end_the_list_of_the_recycle_bin(
    small_context: JobContext, database: Database, small: Account, kind: str
) -> None:
    """Deals that the list of archived deals has announced are read from the recycle bin, not among the live ones."""
    small.mutate(archive=10)
    small.fault(kind, LIST, skip=1, times=1)
    await archive(small_context)
    assert small.clear_faults() == {kind: 1}
    last = await last_sync(database)
    assert (last["outcome"], last["seen"]) == ("DONE", 10)


@pytest.mark.usefixtures("small_parts")
async def test_no_part_of_a_list_is_cut_short(small_context: JobContext, database: Database, small: Account) -> None:
    """With every cursor missing, each part is read from id to id."""
    small.fault("missing_next", LIST, times=None)
    await backfill(small_context)
    small.clear_faults()
    assert (await last_sync(database))["outcome"] == "DONE"
    assert await compare(database, small.truth()) == []


async def test_deals_that_leave_during_a_list_do_not_fail_it(
    small_context: JobContext, database: Database, small: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last deals were announced, and are archived before their page is read."""
    leaving = sorted(small.ids(archived=False), key=int)[-4:]
    store, stored = RunningSync.store, 0

    async def store_and_archive(sync: RunningSync, page: DealPage, part: ScanPart, **cursor: Any) -> None:
        nonlocal stored
        await store(sync, page, part, **cursor)
        stored += 1
        if stored == SMALL / 4 - 1:
            small.mutate(archive=leaving)

    monkeypatch.setattr(RunningSync, "store", store_and_archive)
    await backfill(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["seen"]) == ("DONE", SMALL - len(leaving))
