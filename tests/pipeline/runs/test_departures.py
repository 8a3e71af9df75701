"""Deals that HubSpot has no more: no page brings one back that was merged or purged, however new the page looks."""

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
    """Deal 1 has left, as HubSpot said just now."""
    await store(database, deal_row("1"))
    now = datetime.now(UTC)
    async with database.write() as session:
        merged = await mark_merged(session, {"1": "2"} if how == "merged" else {}, now)
        assert merged + await mark_purged(session, ["1"] if how == "purged" else [], now) == 1


@pytest.mark.parametrize("how", ["merged", "purged"])
@pytest.mark.parametrize("modified", [LATER, MODIFIED], ids=["modified later", "of other content"])
async def test_a_page_does_not_bring_back_what_has_left(database: Database, how: str, modified: datetime) -> None:
    """HubSpot's index shows such a deal for a while, with changes that were made before it left."""
    await departed(database, how)
    before = await rows(database, DEAL)
    assert await store(database, deal_row("1", name="Renamed", hubspot_modified_at=modified)) == PageCounts()
    assert await rows(database, DEAL) == before
    assert [run["status"] for run in await rows(database, RUNS)] == ["SKIPPED"]


@pytest.mark.parametrize("how", ["merged", "purged"])
async def test_what_is_taken_back_is_stored_again(database: Database, how: str) -> None:
    """Even unchanged: the mark had archived it and ended its run, so that it asks for another."""
    await departed(database, how)
    read_at = datetime.now(UTC)
    async with database.write() as session:
        assert await unmark(session, ["1"], read_at) == 1
    assert await store(database, deal_row("1"), read_at=read_at) == PageCounts(changed=1)
    shown = "SELECT merged_into, purged_at, archived_at, rerun_wanted_at IS NOT NULL AS rerun FROM deals"
    assert await rows(database, shown) == [{"merged_into": None, "purged_at": None, "archived_at": None, "rerun": True}]


@pytest.mark.parametrize("how", ["merged", "purged"])
async def test_a_reading_from_before_the_mark_takes_nothing_back(database: Database, how: str) -> None:
    """What HubSpot's store had then says nothing about now."""
    read_at = datetime.now(UTC)
    await departed(database, how)
    async with database.write() as session:
        assert await unmark(session, ["1"], read_at) == 0
