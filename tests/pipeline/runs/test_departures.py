"""Deals that HubSpot has merged or purged: no page restores one, however new the page is."""

from datetime import UTC, datetime, timedelta

import pytest

from core.database import Database
from pipeline.runs.departures import mark_merged, mark_purged, unmark
from pipeline.runs.intake import PageCounts
from tests.factories import MODIFIED, deal_row, rows, store

LATER = MODIFIED + timedelta(minutes=1)
DEAL = "SELECT to_jsonb(d) || jsonb_build_object('xmin', d.xmin::text) AS deal FROM deals AS d"
RUNS = "SELECT status::text, reason::text FROM pipeline_runs"


async def departed(database: Database, how: str) -> None:
    """HubSpot reports now that deal 1 was merged or purged."""
    await store(database, deal_row("1"))
    now = datetime.now(UTC)
    async with database.write() as session:
        merged = await mark_merged(session, {"1": "2"} if how == "merged" else {}, now)
        assert merged + await mark_purged(session, ["1"] if how == "purged" else [], now) == 1


@pytest.mark.parametrize("how", ["merged", "purged"])
@pytest.mark.parametrize("modified", [LATER, MODIFIED], ids=["modified later", "of other content"])
async def test_a_page_does_not_restore_a_departed_deal(database: Database, how: str, modified: datetime) -> None:
    """HubSpot's index shows such a deal for a while, with changes that were made before it left."""
    await departed(database, how)
    before = await rows(database, DEAL)
    assert await store(database, deal_row("1", name="Renamed", hubspot_modified_at=modified)) == PageCounts()
    assert await rows(database, DEAL) == before
    assert [run["status"] for run in await rows(database, RUNS)] == ["SKIPPED"]


@pytest.mark.parametrize("how", ["merged", "purged"])
async def test_a_deal_whose_mark_is_removed_is_stored_again(database: Database, how: str) -> None:
    """Even unchanged: the mark had archived it and ended its run, so that it requests another."""
    await departed(database, how)
    read_at = datetime.now(UTC)
    async with database.write() as session:
        assert await unmark(session, ["1"], read_at) == 1
    assert await store(database, deal_row("1"), read_at=read_at) == PageCounts(changed=1)
    shown = "SELECT merged_into, purged_at, archived_at, rerun_wanted_at IS NOT NULL AS rerun FROM deals"
    assert await rows(database, shown) == [{"merged_into": None, "purged_at": None, "archived_at": None, "rerun": True}]


@pytest.mark.parametrize("how", ["merged", "purged"])
async def test_a_reading_from_before_the_mark_removes_no_mark(database: Database, how: str) -> None:
    """HubSpot's content at that time proves nothing about the present."""
    read_at = datetime.now(UTC)
    await departed(database, how)
    async with database.write() as session:
        assert await unmark(session, ["1"], read_at) == 0
