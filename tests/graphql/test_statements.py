"""How many statements an answer costs: as many for one deal as for two hundred."""

from pathlib import Path
from typing import Any

import pytest

from core.database import Database
from tests.graphql import factories
from tests.graphql.asking import Asker
from tests.graphql.counting import Counted, Counter

WEB = Path(__file__).parents[2] / "web" / "src"

LIMITS = (1, 50, 200)


@pytest.fixture
async def counter(database: Database, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Of a database with 220 deals of two runs each, whose connections are open and know the enum types."""
    counter = Counter(database, monkeypatch)
    await factories.full_queue(database, 220)
    return counter


def page_document() -> str:
    """The document that the page polls with, as the web client has it."""
    found = [path.read_text() for path in WEB.rglob("*.graphql") if "query DealQueue" in path.read_text()]
    assert len(found) == 1, "web/src holds exactly one document with the operation DealQueue"
    return found[0]


async def counted(ask: Asker, counter: Counter, document: str, limit: int) -> tuple[Counted, list[dict[str, Any]]]:
    await ask(document, limit=1)
    with counter.counting() as counted:
        items = (await ask(document, limit=limit))["dealQueue"]["items"]
    return counted, items


async def test_the_page_costs_two_statements_whatever_its_size(ask: Asker, counter: Counter) -> None:
    """One for the deals, one for how they stand; loaders are cold, each request has its own."""
    for limit in LIMITS:
        seen, items = await counted(ask, counter, page_document(), limit)
        assert len(items) == limit
        assert all(len(item["steps"]) == 6 for item in items)
        assert (len(seen.by_sqlalchemy), len(seen.by_driver)) == (2, 2), seen.by_driver


async def test_the_runs_of_many_deals_cost_a_constant_number(ask: Asker, counter: Counter) -> None:
    """Page, states, runs: three statements, and a fourth for what the steps stored."""
    runs = "query ($limit: Int!) { dealQueue(limit: $limit) { items { status runs { status steps { status %s } } } } }"
    for more, statements, limits in (("", 3, LIMITS), ("output error { message }", 4, (1, 50))):
        for limit in limits:
            seen, items = await counted(ask, counter, runs % more, limit)
            assert [len(item["runs"]) for item in items] == [2] * limit
            assert (len(seen.by_sqlalchemy), len(seen.by_driver)) == (statements, statements), seen.by_driver


async def test_what_is_not_asked_for_is_not_read(ask: Asker, counter: Counter) -> None:
    """Deals without their progress are one statement; the stages are none."""
    seen, _ = await counted(ask, counter, "query ($limit: Int!) { dealQueue(limit: $limit) { items { name } } }", 200)
    assert len(seen.by_driver) == 1
    with counter.counting() as seen:
        await ask("{ pipeline { key } }")
    assert seen.by_driver == []


async def generic_plan(database: Database, statement: str, arguments: str) -> str:
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        # Few rows would be sorted rather than looked up.
        await raw.execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off"
        )
        await raw.execute(f"PREPARE page AS {statement}")
        plan = await raw.fetch(f"EXPLAIN EXECUTE page({arguments})")
    return "\n".join(line[0] for line in plan)


async def test_a_page_is_read_by_its_index(ask: Asker, counter: Counter, database: Database) -> None:
    """Also behind a cursor and under a generic plan: no sort, no deal read that comes before the page."""
    first = (await ask("{ dealQueue(limit: 100) { nextBefore } }"))["dealQueue"]["nextBefore"]
    with counter.counting() as seen:
        await ask("query ($before: Cursor) { dealQueue(limit: 5, before: $before) { nextBefore } }", before=first)
    text = await generic_plan(database, seen.by_driver[0], "'2026-01-01', 1, 6")
    assert "Index Scan using ix_deals_updated_at_id" in text
    assert "Index Cond: (ROW(updated_at, id) < ROW(" in text
    assert "Sort" not in text
