"""The cost of a page for the database: counted, not timed, so that the tests pass on a busy machine."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from core.database import Database
from pipeline.runs import intake
from pipeline.runs.intake import PageCounts
from pipeline.runs.synced_deal import VERSION, SyncedDeal, page_arrays
from tests.factories import RULES, deal_row, store
from tests.statement_counter import StatementCounter

PAGE = 200
# Measured: 3 kB for the deal, its run, its job and the indexes of all three. Twice as much would mean another design.
MOST_WAL_BYTES = 6_000


def _page(size: int = PAGE) -> list[SyncedDeal]:
    return [deal_row() for _ in range(size)]


async def _settled(database: Database, page: Sequence[SyncedDeal]) -> None:
    """Stored, with all hint bits set, which a reader would write otherwise; VACUUM needs the pages on disk for that."""
    await store(database, *page)
    for statement in ("CHECKPOINT", "VACUUM ANALYZE deals", "VACUUM ANALYZE pipeline_runs", "CHECKPOINT"):
        await database.run(text(statement))
    assert await store(database, *page) == PageCounts()


async def _wal_bytes(database: Database, statement: TextClause, page: Sequence[SyncedDeal]) -> int:
    return int((await _plan(database, statement, page)).get("WAL Bytes", 0))


async def _plan(database: Database, statement: TextClause, page: Sequence[SyncedDeal]) -> dict[str, Any]:
    explain = text(f"EXPLAIN (ANALYZE, WAL, FORMAT JSON) {statement}")
    parameters = {**intake.page_parameters(page, RULES, datetime.now(UTC)), **page_arrays(page, VERSION)}
    async with database.write() as session:
        plan = await session.scalar(explain, {name: parameters[name] for name in explain.compile().params})
    return dict(plan[0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The plan's nodes, the root first."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def test_the_same_page_again_writes_no_wal(database: Database) -> None:
    """Neither the statement that compares it nor the one that would store it; a changed deal is written."""
    page = _page()
    await _settled(database, page)
    for statement in (intake._NEWS, intake._STORE_PAGE):
        assert await _wal_bytes(database, statement, page) == 0
    renamed = replace(page[0], name="Renamed", content_hash=b"other")
    assert await _wal_bytes(database, intake._STORE_PAGE, [renamed]) > 0


async def test_a_new_deal_writes_little(database: Database) -> None:
    """Deal, run and job together, in a page as the sync reads them."""
    await _settled(database, _page())
    page = _page()
    assert 0 < await _wal_bytes(database, intake._STORE_PAGE, page) <= MOST_WAL_BYTES * len(page)


async def test_no_row_of_a_page_is_compared_with_every_other(database: Database) -> None:
    """Not even in tables without statistics, where the planner once joined each of 200 rows with every other."""
    await store(database, *_page())
    plan = await _plan(database, intake._STORE_PAGE, _page())
    compared = [node.get("Rows Removed by Join Filter", 0) for node in nodes(plan)]
    assert len(compared) > 10
    assert max(compared) <= PAGE


@pytest.mark.parametrize("size", [1, PAGE])
async def test_a_page_costs_two_statements_and_one_when_nothing_is_new(
    database: Database, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """One that compares and one that writes, whatever the page's size."""
    counter = StatementCounter(database, monkeypatch)
    await store(database, deal_row())
    page = _page(size)
    for statements in (2, 1):
        with counter.counting() as seen:
            await store(database, *page)
        assert len(seen.by_driver) == statements, seen.by_driver


async def test_only_what_is_new_is_sent_to_be_stored(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one change in a page of two hundred, the columns of the others are not sent."""
    page = _page()
    await store(database, *page)
    sent: list[int] = []
    parameters = intake.page_parameters

    def noted(deals: Sequence[SyncedDeal], *arguments: object) -> dict[str, object]:
        sent.append(len(deals))
        return parameters(deals, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "page_parameters", noted)
    page[7] = replace(page[7], name="Renamed", content_hash=b"other")
    assert await store(database, *page) == PageCounts(changed=1)
    assert sent == [1]
