"""A search that contradicts itself is read again, and never ends a scan early."""

import pytest

from core.database import Database
from scheduler.context import JobContext
from scheduler.sync.sync_jobs import tail
from scheduler.sync.sync_state import load_state
from tests.completeness.account import Account
from tests.completeness.comparing import compare
from tests.scheduler.sync.stored import READ_EVERYTHING_AGAIN, SMALL, last_sync

SEARCH = "/search"


async def test_a_search_reads_page_after_page_by_ascending_id(
    small_context: JobContext, database: Database, small: Account
) -> None:
    """Each page continues behind the last id; the deals are HubSpot's."""
    await tail(small_context)
    await database.run(READ_EVERYTHING_AGAIN)
    await tail(small_context)
    last = await last_sync(database)
    assert (last["outcome"], last["pages"], last["seen"]) == ("DONE", SMALL / 4, SMALL)
    assert await compare(database, small.truth(), live_only=True) == []


@pytest.mark.parametrize("kind", ["empty_page", "duplicate_page"])
async def test_a_page_that_contradicts_the_cursor_is_read_again(
    small_context: JobContext, database: Database, small: Account, kind: str
) -> None:
    """It is empty although HubSpot announced more deals, or its deals do not come after the cursor."""
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
    assert (last["outcome"], last["pages"]) == ("DONE", SMALL / 4 - 2)
    assert await compare(database, small.truth(), live_only=True) == []
