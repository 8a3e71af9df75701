"""A search that contradicts itself is read again, and never ends a scan early."""

from typing import Any

import orjson
import pytest
import stamina
from sqlalchemy import text

from core.database import Database
from crm import retries
from scheduler.context import JobContext
from scheduler.sync.record_reader import DealPage
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart
from scheduler.sync.sync_jobs import backfill, tail
from scheduler.sync.sync_state import load_state
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.crm.scripted_server import Reply, scripted_client
from tests.factories import rows
from tests.scheduler.contexts import leading_context
from tests.scheduler.sync.stored import READ_EVERYTHING_AGAIN, SMALL, last_sync

SEARCH = "/search"
FORGET = text("TRUNCATE deals, sync_state, sync_runs, sync_scans CASCADE")
NOW = {"Date": "Fri, 06 Nov 2026 12:00:00 GMT"}


async def test_a_search_reads_page_after_page_by_ascending_id(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """Each page continues behind the last id, and the last full one is followed by an empty one."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    await tail(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["pages"], last["seen"]) == ("DONE", SMALL / 4 + 1, SMALL)
    assert await compare(database, small.truth(), live_only=True) == []


@pytest.mark.parametrize(
    "kind", ["empty_page", "duplicate_page", "small_total", "zero_total", "missing_next", "false_end"]
)
async def test_a_page_that_contradicts_itself_or_the_page_before_ends_no_search(
    small_context: JobContext, database: Database, small: Account, kind: str
) -> None:
    """Whichever of total, next page and number of deals says that nothing is left: every deal is read."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    small.fault(kind, SEARCH, skip=1, times=1)
    await tail(small_context)
    assert small.clear_faults() == {kind: 1}
    assert (await last_sync(database))["outcome"] == "DONE"
    assert await compare(database, small.truth(), live_only=True) == []


async def test_a_page_that_contradicts_the_cursor_every_time_fails_the_sync(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """The sync does not end there as if it were complete: the next one resumes behind the last good page."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    before = await load_state(database)
    small.fault("empty_page", SEARCH, skip=2, times=3)
    await tail(small_context)
    assert small.clear_faults() == {"empty_page": 3}
    last = await last_sync(database)
    assert last["outcome"] == "FAILED"
    assert "sent an empty page" in last["error"]
    assert await load_state(database) == before
    await tail(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["pages"]) == ("DONE", SMALL / 4 - 1)
    assert await compare(database, small.truth(), live_only=True) == []


@pytest.mark.parametrize(
    ("kind", "words"), [("small_total", "total is 4 on a page of 4 deals"), ("zero_total", "sent an empty page")]
)
async def test_a_total_that_is_always_too_small_fails_the_sync(
    small_context: JobContext, database: Database, small: Account, kind: str, words: str
) -> None:
    """The sync does not end as if it had read everything; the watermark stays, and the next one reads the rest."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    before = await load_state(database)
    small.fault(kind, SEARCH, times=None)
    await tail(small_context)
    small.clear_faults()
    last = await last_sync(database)
    assert last["outcome"] == "FAILED"
    assert words in last["error"]
    assert await load_state(database) == before
    await tail(small_context)
    assert (await last_sync(database))["outcome"] == "DONE"
    assert await compare(database, small.truth(), live_only=True) == []


async def test_a_search_whose_next_links_are_all_missing_is_read_to_its_end(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """The search continues behind the last id, not at the link."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    small.fault("missing_next", SEARCH, times=None)
    await tail(small_context)
    small.clear_faults()
    last = await last_sync(database)
    assert (last["outcome"], last["seen"]) == ("DONE", SMALL)
    assert await compare(database, small.truth(), live_only=True) == []


async def test_deals_that_leave_during_a_search_do_not_fail_it(
    small_context: JobContext, database: Database, small: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page announces deals that are archived before the next page is read: the end is requested once more."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    leaving = sorted(small.ids(archived=False), key=int)[-3:]
    store, stored = RunningSync.store, 0

    async def store_and_archive(sync: RunningSync, page: DealPage, part: ScanPart, **cursor: Any) -> None:
        nonlocal stored
        await store(sync, page, part, **cursor)
        stored += 1
        if stored == SMALL / 4 - 1:
            small.mutate(archive=leaving)

    monkeypatch.setattr(RunningSync, "store", store_and_archive)
    await tail(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["seen"]) == ("DONE", SMALL - len(leaving))


def search_reply(ids: list[int], total: int, *, announces_next: bool = False) -> Reply:
    results = [
        {"id": str(identifier), "properties": {"hs_lastmodifieddate": "2026-11-01T12:00:00Z"}} for identifier in ids
    ]
    paging = {"paging": {"next": {"after": "200"}}} if announces_next else {}
    return Reply(200, orjson.dumps({"results": results, "total": total, **paging}), NOW)


FIRST, SECOND = list(range(1, 201)), list(range(201, 401))
# What HubSpot answers from the first page on, and how many deals these are.
ENDINGS: tuple[tuple[list[Reply], int], ...] = (
    ([search_reply([], 0)], 0),
    ([search_reply([1], 1)], 1),
    ([search_reply(FIRST[:-1], 199)], 199),
    ([search_reply(FIRST, 200), search_reply([], 0)], 200),
    # The total of a full page is wrong.
    ([search_reply(FIRST, 200), search_reply([201], 1)], 201),
    ([search_reply(FIRST, 201, announces_next=True), search_reply([201], 1)], 201),
    ([search_reply(FIRST, 400, announces_next=True), search_reply(SECOND, 200), search_reply([], 0)], 400),
    # Fewer follow than were announced.
    ([search_reply(FIRST[:50], 10_000, announces_next=True), search_reply([51], 1), search_reply([], 0)], 51),
    # Only the index still has a third deal.
    ([search_reply([1, 2], 3), search_reply([], 0), search_reply([], 0)], 2),
)


async def test_a_search_ends_when_total_next_page_and_size_agree(database: Database) -> None:
    """A full page is followed by one more request, and so is an end that comes earlier than announced."""
    for answers, seen in ENDINGS:
        async with scripted_client(search_reply([], 0), *answers) as (client, server):
            await tail(await leading_context(database, client, rerun_on="none"))
            last = await last_sync(database)
            assert (last["outcome"], last["seen"], last["error"]) == ("DONE", seen, None)
            assert len(server.requests) == 1 + len(answers)
            await database.run(FORGET)


CONTRADICTIONS = (
    (search_reply([], 7), "announced 7 more deals and sent an empty page"),
    (search_reply([], 0, announces_next=True), "announced another page and sent an empty page"),
    (search_reply([], 7, announces_next=True), "announced 7 more deals and sent an empty page"),
    (
        search_reply(FIRST, 200, announces_next=True),
        "total is 200 on a page of 200 deals, although it announces another",
    ),
    (search_reply(FIRST, 150), "total is 150 on a page of 200 deals."),
    (search_reply([1, 2], 1), "total is 1 on a page of 2 deals."),
    (search_reply([1, 2], 0, announces_next=True), "total is 0 on a page of 2 deals, although"),
)


async def test_a_page_that_contradicts_itself_three_times_fails_the_sync(database: Database) -> None:
    """With the contradiction in words; nothing of the page is stored."""
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        for answer, words in CONTRADICTIONS:
            async with scripted_client(search_reply([], 0), *[answer] * 3) as (client, server):
                await tail(await leading_context(database, client, rerun_on="none"))
                last = await last_sync(database)
                assert (last["outcome"], last["seen"]) == ("FAILED", 0)
                assert words in last["error"]
                assert len(server.requests) == 1 + 3
                await database.run(FORGET)


async def test_a_total_that_no_column_holds_is_stored_as_the_largest_number(
    small_context: JobContext, small: Account, database: Database
) -> None:
    """It is only shown as progress, and fails no sync: neither a search nor the list that asks for it first."""
    small.fault("huge_total", "/search", times=2)
    for job in (backfill, tail):
        await job(small_context)
    outcomes = "SELECT kind, outcome, backlog, error FROM sync_runs ORDER BY id"
    found = await rows(database, outcomes)
    assert [(row["kind"], row["outcome"], row["error"]) for row in found] == [
        ("BACKFILL", "DONE", None),
        ("TAIL", "DONE", None),
    ]
    assert 2**31 - 1 in {row["backlog"] for row in found}
