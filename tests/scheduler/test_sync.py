"""The sync against the sandbox over HTTP, into a real database."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from crm.budget.local import LocalBudget
from crm.client import HubSpot
from crm.scanning import SearchPage
from models import SyncKind
from sandbox import SANDBOX_TOKEN
from scheduler.context import Context
from scheduler.jobs import take_over
from scheduler.leadership import Leadership
from scheduler.scans import load_scans
from scheduler.sync_jobs import backfill, settle, tail
from tests.factories import one, rows
from tests.hubspot import Sandbox, sandbox_process
from tests.scheduler.leading import leading_context

DEALS = 450
PAGES = 3
LAST = "SELECT kind, outcome, pages, seen, new, changed, rejected, error FROM sync_runs ORDER BY id DESC LIMIT 1"
FROM_THE_START = text("UPDATE sync_state SET watermark = '1971-01-01Z', tail_from = '1971-01-01Z'")


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS), "--search-per-second", "1000", "--burst", "10000") as sandbox:
        yield sandbox


@pytest.fixture
async def context(database: Database, client: HubSpot) -> Context:
    return await leading_context(database, client, backfill_process="all")


async def deals_are_the_truth(database: Database, hubspot: Sandbox) -> None:
    truth = hubspot.truth()
    found = await rows(database, "SELECT hubspot_deal_id, name, hubspot_stage FROM deals WHERE archived_at IS NULL")
    expected = {
        key: (deal["dealname"] or None, deal["dealstage"]) for key, deal in truth.items() if not deal["archived"]
    }
    assert {row["hubspot_deal_id"]: (row["name"], row["hubspot_stage"]) for row in found} == expected


async def last_sync(database: Database) -> dict[str, Any]:
    return (await rows(database, LAST))[0]


async def test_the_backfill_brings_every_deal_with_its_run(
    context: Context, database: Database, hubspot: Sandbox
) -> None:
    """All deals, one NEW run and one job each at the lowest priority, and a record that says so; once."""
    await backfill(context)
    await deals_are_the_truth(database, hubspot)
    number = await one(database, "SELECT count(*) FROM deals")
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE trigger = 'NEW' AND priority = 0") == number
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == number
    found = await last_sync(database)
    assert (found["kind"], found["outcome"], found["new"], found["rejected"]) == ("BACKFILL", "DONE", number, 0)
    await backfill(context)
    assert await one(database, "SELECT count(*) FROM sync_runs") == 1
    assert await load_scans(database, SyncKind.BACKFILL) == []


@pytest.mark.parametrize(("process", "expected"), [("none", 0), ("open", None)])
async def test_backfill_process_decides_what_is_processed(
    database: Database, client: HubSpot, process: str, expected: int | None
) -> None:
    """The others are recorded all the same, with a run that was skipped and says why."""
    await backfill(await leading_context(database, client, backfill_process=process))
    jobs = await one(database, "SELECT count(*) FROM procrastinate_jobs")
    left_out = await one(
        database, "SELECT count(*) FROM pipeline_runs WHERE status = 'SKIPPED' AND reason = 'NOT_SELECTED'"
    )
    assert jobs + left_out == await one(database, "SELECT count(*) FROM deals")
    closed = "SELECT count(*) FROM deals WHERE hubspot_stage IN ('closedwon', 'closedlost') AND status = 'QUEUED'"
    assert await one(database, closed) == 0
    assert jobs == expected if expected is not None else 0 < jobs < DEALS


async def test_reading_again_changes_nothing(context: Context, database: Database) -> None:
    """No deal, no run, no job, no visible time, no cursor."""
    await backfill(context)
    await tail(context)
    snapshot = """SELECT (SELECT jsonb_agg(to_jsonb(d) || jsonb_build_object('xmax', d.xmax::text) ORDER BY id)
                          FROM deals d) AS deals,
                         (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM pipeline_runs r) AS runs,
                         (SELECT count(*) FROM procrastinate_jobs) AS jobs,
                         (SELECT count(*) FROM sync_scans) AS scans"""
    before = await rows(database, snapshot)
    await database.run(FROM_THE_START)
    await tail(context)
    assert await rows(database, snapshot) == before
    last = await last_sync(database)
    assert (last["kind"], last["outcome"], last["new"], last["changed"]) == ("TAIL", "DONE", 0, 0)


async def test_edits_and_new_deals_are_found(context: Context, database: Database, hubspot: Sandbox) -> None:
    """What changed since the last tail, by HubSpot's clock; what is new goes before what was there."""
    await backfill(context)
    await tail(context)
    hubspot.mutate(create=3, edit=20)
    await tail(context)
    await deals_are_the_truth(database, hubspot)
    last = await last_sync(database)
    assert last["new"] == 3
    assert last["changed"] > 0
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE priority = 10") == 3


async def test_a_sync_that_is_stopped_goes_on_where_it_was(
    context: Context, database: Database, hubspot: Sandbox
) -> None:
    """Cancelled after its first page: the next one reads the other pages only, and the end is the same."""
    await tail(context)
    await database.run(FROM_THE_START)
    task = asyncio.create_task(tail(context))
    await _first_page_is_stored(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stopped = await last_sync(database)
    assert stopped["outcome"] == "INTERRUPTED"
    await tail(context)
    assert (await last_sync(database))["pages"] == PAGES - stopped["pages"]
    await deals_are_the_truth(database, hubspot)


async def _first_page_is_stored(database: Database) -> None:
    async with asyncio.timeout(10):
        while not any(scan.last_id for scan in await load_scans(database, SyncKind.TAIL)):  # noqa: ASYNC110 - the database is what is watched
            await asyncio.sleep(0)


async def test_a_scheduler_that_does_not_lead_any_more_writes_nothing(context: Context, database: Database) -> None:
    """Its pages are rolled back, its cursor and its watermark stay, and the record says why."""
    await tail(context)
    await database.run(FROM_THE_START)
    state = "SELECT *, (SELECT count(*) FROM deals) AS deals FROM sync_state"
    before = await rows(database, state)
    await database.run(text("UPDATE leases SET fence = fence + 1"))
    for job in (tail, settle, backfill):
        await job(context)
        last = await last_sync(database)
        assert last["outcome"] == "INTERRUPTED"
        assert "does not lead" in last["error"]
    assert await rows(database, state) == before


async def test_a_dead_schedulers_sync_is_recorded_as_interrupted(context: Context, database: Database) -> None:
    """When the next one leads: nothing stays RUNNING that does not run."""
    await rows(
        database,
        "INSERT INTO sync_runs (kind, outcome, fence) VALUES ('BACKFILL', 'RUNNING', 0), ('TAIL', 'RUNNING', 1)"
        " RETURNING id",
    )
    await take_over(context)
    await tail(context)
    found = await rows(database, "SELECT outcome, error FROM sync_runs ORDER BY id")
    assert [row["outcome"] for row in found] == ["INTERRUPTED", "INTERRUPTED", "DONE"]
    assert "goes on" in found[0]["error"]


async def test_polls_without_news_share_a_row(context: Context, database: Database, hubspot: Sandbox) -> None:
    """So that a poll every five seconds does not write 17,000 rows a day; news begin a row of their own."""
    await backfill(context)
    for _ in range(4):
        await tail(context)
    polls = "SELECT polls, pages, calls FROM sync_runs WHERE kind = 'TAIL' ORDER BY id"
    assert await rows(database, polls) == [{"polls": 4, "pages": 4, "calls": {"200": 4}}]
    hubspot.mutate(create=1)
    await tail(context)
    await tail(context)
    assert [row["polls"] for row in await rows(database, polls)] == [4, 1, 1]


async def test_a_refused_token_is_told_in_words(database: Database, hubspot: Sandbox) -> None:
    """The record of the sync says what HubSpot said, without the token; there is no watermark then."""
    token = SecretStr("pat-na1-canary-canary")
    async with HubSpot(hubspot.url, lambda: token, LocalBudget()) as stranger:
        await tail(await leading_context(database, stranger))
    last = await last_sync(database)
    assert last["outcome"] == "FAILED"
    assert "401" in last["error"]
    assert "canary" not in last["error"]
    assert await rows(database, "SELECT watermark FROM sync_state") == []


class Garbled(HubSpot):
    """HubSpot as sent, but for one record of each page, until it is told otherwise."""

    garbles = True

    async def search_deals(self, **arguments: Any) -> SearchPage:
        page = await super().search_deals(**arguments)
        if self.garbles and page.records:
            page.records[0]["properties"]["amount"] = "twelve"
        return page


async def test_a_record_that_cannot_be_read_stops_nothing(database: Database, hubspot: Sandbox) -> None:
    """It is kept whole with the reason, the others of its page are stored; a later sync reads it after all."""
    async with Garbled(hubspot.url, lambda: SecretStr(SANDBOX_TOKEN), LocalBudget()) as client:
        context = await leading_context(database, client)
        await backfill(context)
        await database.run(FROM_THE_START)
        await database.run(text("TRUNCATE deals CASCADE"))
        await tail(context)
        last = await last_sync(database)
        assert (last["outcome"], last["rejected"]) == ("DONE", PAGES)
        assert await one(database, "SELECT count(*) FROM deals") == last["seen"] - PAGES
        kept = await rows(database, "SELECT body, error FROM sync_rejects")
        assert len(kept) == PAGES
        assert all("amount" in reject["error"] and reject["body"]["properties"] for reject in kept)
        client.garbles = False
        await tail(context)
    assert await rows(database, "SELECT body FROM sync_rejects") == []
    await deals_are_the_truth(database, hubspot)


async def test_a_lease_that_was_never_held_stores_nothing(database: Database, client: HubSpot) -> None:
    """The first contact is fenced as well."""
    context = await leading_context(database, client)
    await Leadership(database, holder="test", ttl_seconds=600).tick()
    await tail(context)
    assert await rows(database, "SELECT 1 FROM sync_state") == []
