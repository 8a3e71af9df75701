"""The kinds of sync against the sandbox over HTTP, into a real database."""

import pytest

from core.database import Database
from crm.client import HubSpot
from models import SyncKind
from scheduler.context import JobContext
from scheduler.sync.scan_parts import load_parts
from scheduler.sync.sync_jobs import backfill, tail
from tests.factories import one
from tests.hubspot import Sandbox
from tests.scheduler.contexts import leading_context
from tests.scheduler.sync.stored import DEALS, assert_deals_match, last_sync


async def test_the_backfill_stores_every_deal_with_its_run(
    context: JobContext, database: Database, hubspot: Sandbox
) -> None:
    """Once: all deals, with one NEW run and one job of the lowest priority each, and a row that counts them."""
    await backfill(context)
    await assert_deals_match(database, hubspot)
    number = await one(database, "SELECT count(*) FROM deals")
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE trigger = 'NEW' AND priority = 0") == number
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == number
    found = await last_sync(database)
    assert (found["kind"], found["outcome"], found["new"], found["rejected"]) == ("BACKFILL", "DONE", number, 0)
    await backfill(context)
    assert await one(database, "SELECT count(*) FROM sync_runs") == 1
    assert await load_parts(database, SyncKind.BACKFILL) == []


@pytest.mark.parametrize(("process", "expected"), [("none", 0), ("open", None)])
async def test_backfill_process_decides_what_is_processed(
    database: Database, client: HubSpot, process: str, expected: int | None
) -> None:
    """The other deals are stored too, with a run that was skipped, and the reason."""
    await backfill(await leading_context(database, client, backfill_process=process))
    jobs = await one(database, "SELECT count(*) FROM procrastinate_jobs")
    left_out = await one(
        database, "SELECT count(*) FROM pipeline_runs WHERE status = 'SKIPPED' AND reason = 'NOT_SELECTED'"
    )
    assert jobs + left_out == await one(database, "SELECT count(*) FROM deals")
    closed = "SELECT count(*) FROM deals WHERE hubspot_stage IN ('closedwon', 'closedlost') AND status = 'QUEUED'"
    assert await one(database, closed) == 0
    assert jobs == expected if expected is not None else 0 < jobs < DEALS


async def test_edits_and_new_deals_are_found(context: JobContext, database: Database, hubspot: Sandbox) -> None:
    """What changed since the last tail, by HubSpot's clock; new deals have priority over backfilled ones."""
    await backfill(context)
    await tail(context)
    hubspot.mutate(create=3, edit=20)
    await tail(context)
    await assert_deals_match(database, hubspot)
    last = await last_sync(database)
    assert last["new"] == 3
    assert last["changed"] > 0
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE priority = 10") == 3
