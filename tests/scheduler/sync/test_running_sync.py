"""A sync stores each page with its runs, jobs and cursor in one transaction, or nothing of it."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database
from models import SyncKind
from scheduler.context import JobContext
from scheduler.sync.scan_parts import load_parts
from scheduler.sync.sync_jobs import backfill, settle, tail
from tests.factories import rows
from tests.hubspot import Sandbox
from tests.scheduler.sync.stored import PAGES, READ_EVERYTHING_AGAIN, assert_deals_match, last_sync


async def test_reading_again_changes_nothing(context: JobContext, database: Database) -> None:
    """No deal, no run, no job, no displayed time, no cursor."""
    await backfill(context)
    await tail(context)
    snapshot = """SELECT (SELECT jsonb_agg(to_jsonb(d) || jsonb_build_object('xmax', d.xmax::text) ORDER BY id)
                          FROM deals d) AS deals,
                         (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM pipeline_runs r) AS runs,
                         (SELECT count(*) FROM procrastinate_jobs) AS jobs,
                         (SELECT count(*) FROM sync_scans) AS scans"""
    before = await rows(database, snapshot)
    await database.run(READ_EVERYTHING_AGAIN)
    await tail(context)
    assert await rows(database, snapshot) == before
    last = await last_sync(database)
    assert (last["kind"], last["outcome"], last["new"], last["changed"]) == ("TAIL", "DONE", 0, 0)


async def test_a_cancelled_sync_resumes_behind_its_last_page(
    context: JobContext, database: Database, hubspot: Sandbox
) -> None:
    """Cancelled after its first page: the next one reads only the other pages, and the result is the same."""
    await tail(context)
    await database.run(READ_EVERYTHING_AGAIN)
    task = asyncio.create_task(tail(context))
    await _first_page_is_stored(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancelled = await last_sync(database)
    assert cancelled["outcome"] == "INTERRUPTED"
    await tail(context)
    assert (await last_sync(database))["pages"] == PAGES - cancelled["pages"]
    await assert_deals_match(database, hubspot)


async def _first_page_is_stored(database: Database) -> None:
    async with asyncio.timeout(10):
        while not any(scan.last_id for scan in await load_parts(database, SyncKind.TAIL)):  # noqa: ASYNC110 - the database is what is watched
            await asyncio.sleep(0)


async def test_a_scheduler_that_no_longer_leads_writes_nothing(context: JobContext, database: Database) -> None:
    """Its pages are rolled back, its cursor and its watermark stay, and the row records the reason."""
    await tail(context)
    await database.run(READ_EVERYTHING_AGAIN)
    state = "SELECT *, (SELECT count(*) FROM deals) AS deals FROM sync_state"
    before = await rows(database, state)
    await database.run(text("UPDATE leases SET fence = fence + 1"))
    for job in (tail, settle, backfill):
        await job(context)
        last = await last_sync(database)
        assert last["outcome"] == "INTERRUPTED"
        assert "no longer leads" in last["error"]
    assert await rows(database, state) == before
