"""The sync against the sandbox over HTTP, into a real database."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from crm.client import HubSpot, SearchPage
from crm.local_budget import LocalBudget
from scheduler.context import Context
from scheduler.scan_state import load_scan
from scheduler.sync import sync_deals
from scheduler.sync_record import close_dead_runs
from tests.factories import STAGES_JSON, one, rows
from tests.hubspot import Sandbox, catalog, sandbox_process

DEALS = 450
PAGES = 3
LAST_SYNC = "SELECT outcome, pages, seen, new, changed, rejected, error FROM sync_runs ORDER BY id DESC LIMIT 1"


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS), "--search-per-second", "1000") as sandbox:
        yield sandbox


def context_for(database: Database, client: HubSpot) -> Context:
    return Context(
        settings=Settings(hubspot_token=SecretStr("unused")),
        database=database,
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        stages=STAGES_JSON,
    )


@pytest.fixture
def context(database: Database, client: HubSpot) -> Context:
    return context_for(database, client)


async def deals_are_the_truth(database: Database, hubspot: Sandbox) -> None:
    truth = hubspot.truth()
    found = await rows(database, "SELECT hubspot_deal_id, name, hubspot_stage FROM deals")
    expected = {
        key: (deal["dealname"] or None, deal["dealstage"]) for key, deal in truth.items() if not deal["archived"]
    }
    assert {row["hubspot_deal_id"]: (row["name"], row["hubspot_stage"]) for row in found} == expected


async def test_the_first_sync_brings_every_deal_with_its_run(
    context: Context, database: Database, hubspot: Sandbox
) -> None:
    """All deals, one NEW run and one job each, and a record that says so."""
    await sync_deals(context)
    await deals_are_the_truth(database, hubspot)
    number = await one(database, "SELECT count(*) FROM deals")
    assert await one(database, "SELECT count(*) FROM pipeline_runs WHERE trigger = 'NEW'") == number
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == number
    assert await rows(database, LAST_SYNC) == [
        {"outcome": "DONE", "pages": PAGES, "seen": number, "new": number, "changed": 0, "rejected": 0, "error": None}
    ]


async def test_reading_again_changes_nothing(context: Context, database: Database) -> None:
    """No deal, no run, no job, no visible time."""
    await sync_deals(context)
    snapshot = """SELECT (SELECT jsonb_agg(to_jsonb(d) ORDER BY id) FROM deals d) AS deals,
                         (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM pipeline_runs r) AS runs,
                         (SELECT count(*) FROM procrastinate_jobs) AS jobs"""
    before = await rows(database, snapshot)
    await database.run(text("UPDATE sync_state SET watermark = NULL"))
    await sync_deals(context)
    assert await rows(database, snapshot) == before
    last = (await rows(database, LAST_SYNC))[0]
    assert (last["outcome"], last["pages"], last["new"], last["changed"]) == ("DONE", PAGES, 0, 0)


async def test_edits_and_new_deals_are_found(context: Context, database: Database, hubspot: Sandbox) -> None:
    """What changed since the last sync, by HubSpot's clock."""
    await sync_deals(context)
    hubspot.mutate(create=3, edit=20)
    await sync_deals(context)
    await deals_are_the_truth(database, hubspot)
    last = (await rows(database, LAST_SYNC))[0]
    assert last["new"] == 3
    assert last["changed"] > 0


async def test_a_sync_that_is_stopped_goes_on_where_it_was(
    context: Context, database: Database, hubspot: Sandbox
) -> None:
    """Cancelled after its first page: the next one reads the other pages only, and the end is the same."""
    task = asyncio.create_task(sync_deals(context))
    await _first_page_is_stored(database)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stopped = (await rows(database, LAST_SYNC))[0]
    assert stopped["outcome"] == "INTERRUPTED"
    await sync_deals(context)
    assert (await rows(database, LAST_SYNC))[0]["pages"] == PAGES - stopped["pages"]
    await deals_are_the_truth(database, hubspot)


async def _first_page_is_stored(database: Database) -> None:
    async with asyncio.timeout(10):
        while not (await load_scan(database)).last_id:  # noqa: ASYNC110 - the database is what is watched
            await asyncio.sleep(0)


async def test_a_dead_schedulers_sync_is_recorded_as_interrupted(context: Context, database: Database) -> None:
    """At the next start: nothing stays RUNNING that does not run."""
    await rows(database, "INSERT INTO sync_runs (outcome) VALUES ('RUNNING') RETURNING id")
    await close_dead_runs(context.database)
    found = (await rows(database, LAST_SYNC))[0]
    assert found["outcome"] == "INTERRUPTED"
    assert "goes on" in found["error"]


async def test_a_refused_token_is_told_in_words(database: Database, hubspot: Sandbox) -> None:
    """The record of the sync says what HubSpot said, without the token; the watermark stays."""
    async with HubSpot(hubspot.url, lambda: SecretStr("pat-na1-canary-canary"), LocalBudget()) as stranger:
        await sync_deals(context_for(database, stranger))
    last = (await rows(database, LAST_SYNC))[0]
    assert last["outcome"] == "FAILED"
    assert "401" in last["error"]
    assert "canary" not in last["error"]
    assert await rows(database, "SELECT watermark FROM sync_state WHERE watermark IS NOT NULL") == []


class Garbled(HubSpot):
    """HubSpot as sent, but for one record of each page."""

    async def search_deals(self, **arguments: Any) -> SearchPage:
        page = await super().search_deals(**arguments)
        page.records[0]["properties"]["amount"] = "twelve"
        return page


async def test_a_record_that_cannot_be_read_stops_nothing(database: Database, hubspot: Sandbox) -> None:
    """It is kept whole with the reason; the others of its page are stored."""
    async with Garbled(hubspot.url, hubspot.token, LocalBudget()) as client:
        await sync_deals(context_for(database, client))
    rejects = await rows(database, "SELECT body, error FROM sync_rejects")
    assert len(rejects) == PAGES
    assert all("amount" in reject["error"] and reject["body"]["properties"] for reject in rejects)
    last = (await rows(database, LAST_SYNC))[0]
    assert (last["outcome"], last["rejected"]) == ("DONE", PAGES)
    assert await one(database, "SELECT count(*) FROM deals") == last["seen"] - PAGES
