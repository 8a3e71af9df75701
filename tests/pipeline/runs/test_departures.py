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


MERGED_INTO = "SELECT hubspot_deal_id AS id, merged_into FROM deals WHERE merged_into IS NOT NULL ORDER BY id"


async def merged(database: Database, **successors: str) -> tuple[int, dict[str, str]]:
    """Deals a, b, c are the ids 1, 2, 3. Returns how many were marked now, and the successor of each marked deal."""
    ids = dict(zip("abcd", "1234", strict=True))
    async with database.write() as session:
        given = {ids[deal]: ids[successor] for deal, successor in successors.items()}
        new = await mark_merged(session, given, datetime.now(UTC))
    names = {identifier: name for name, identifier in ids.items()}
    return new, {names[row["id"]]: names[row["merged_into"]] for row in await rows(database, MERGED_INTO)}


@pytest.mark.parametrize(
    "readings",
    [
        [{"a": "b", "b": "c"}],
        [{"b": "c", "a": "b"}],
        [{"a": "b"}, {"a": "c", "b": "c"}, {"a": "b"}],
        [{"b": "c"}, {"a": "b"}],
        [{"a": "b"}, {"b": "c"}, {"a": "b"}],
    ],
)
async def test_a_deal_that_was_merged_twice_is_marked_with_its_last_successor(
    database: Database, readings: list[dict[str, str]]
) -> None:
    """In whichever order the records name it; read again they change nothing."""
    await store(database, *(deal_row(identifier) for identifier in "123"))
    for reading in readings:
        await merged(database, **reading)
    before = await rows(database, DEAL)
    for reading in readings:
        assert await merged(database, **reading) == (0, {"a": "c", "b": "c"})
    assert await rows(database, DEAL) == before


async def test_records_that_name_each_other_as_merged_change_nothing(database: Database) -> None:
    """A circle has no last successor; what is known stays, and no run ends."""
    await store(database, *(deal_row(identifier) for identifier in "123"))
    assert await merged(database, a="b", b="a") == (0, {})
    assert await merged(database, a="b") == (1, {"a": "b"})
    assert await merged(database, b="a") == (0, {"a": "b"})
    assert await merged(database, c="a") == (1, {"a": "b", "c": "b"})
    assert [run["status"] for run in await rows(database, RUNS)].count("QUEUED") == 1
