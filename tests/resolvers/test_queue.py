"""A page of the queue: what it holds, how pages follow one another, and the index that serves it."""

from datetime import timedelta

from sqlalchemy import text

from core.database import Database
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import MOMENT
from tests.statement_counter import StatementCounter

PAGE = "query ($limit: Int!, $before: Cursor) { dealQueue(limit: $limit, before: $before) { items { id } nextBefore } }"


async def walk(graphql: GraphQLClient, limit: int) -> list[int]:
    """The ids of all pages, in order."""
    ids: list[int] = []
    before: str | None = None
    while True:
        page = (await graphql(PAGE, limit=limit, before=before))["dealQueue"]
        ids += [int(item["id"]) for item in page["items"]]
        before = page["nextBefore"]
        if before is None:
            return ids


async def test_the_deal_changed_last_comes_first(graphql: GraphQLClient, database: Database) -> None:
    """The order is by `updated_at`, newest first, not by creation."""
    old = await factories.insert_deal(database, updated_at=MOMENT - timedelta(days=1))
    new = await factories.insert_deal(database, updated_at=MOMENT + timedelta(days=1))
    middle = await factories.insert_deal(database, updated_at=MOMENT)
    assert await walk(graphql, 50) == [new, middle, old]


async def test_paging_shows_each_deal_once_ties_included(graphql: GraphQLClient, database: Database) -> None:
    """Deals of the same microsecond are ordered by id, whatever the size of the page."""
    ids = [
        await factories.insert_deal(database, updated_at=MOMENT + timedelta(microseconds=number // 4))
        for number in range(14)
    ]
    for limit in (1, 2, 3, 7, 200):
        assert await walk(graphql, limit) == sorted(ids, reverse=True)


async def test_a_change_between_two_pages_moves_no_other_deal(graphql: GraphQLClient, database: Database) -> None:
    """A deal that changes moves to the top; those that did not change are neither skipped nor repeated."""
    ids = [await factories.insert_deal(database) for _ in range(6)]
    first = (await graphql(PAGE, limit=2))["dealQueue"]
    await database.run(text("UPDATE deals SET updated_at = now() WHERE id = :id"), {"id": ids[0]})
    rest = (await graphql(PAGE, limit=200, before=first["nextBefore"]))["dealQueue"]
    seen = [int(item["id"]) for item in first["items"] + rest["items"]]
    assert seen == [ids[5], ids[4], ids[3], ids[2], ids[1]]


async def test_archived_and_merged_deals_are_not_in_the_queue(graphql: GraphQLClient, database: Database) -> None:
    """They can still be read by id."""
    shown = await factories.insert_deal(database)
    archived = await factories.insert_deal(database, archived_at=MOMENT)
    await factories.insert_deal(database, merged_into="1")
    assert await walk(graphql, 50) == [shown]
    assert (await graphql("query ($id: ID!) { deal(id: $id) { id } }", id=archived))["deal"] == {"id": str(archived)}


async def test_a_limit_out_of_range_is_refused(graphql: GraphQLClient) -> None:
    """It is not clamped; the message says what is allowed."""
    for limit in (0, -1, 201, 2**31 - 1):
        error = await graphql.error(PAGE, limit=limit)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"] == f"`limit` is {limit}; it must be between 1 and 200."


async def test_a_cursor_stays_valid_when_its_deal_has_moved(graphql: GraphQLClient, database: Database) -> None:
    """A cursor is a position, not a row."""
    ids = [await factories.insert_deal(database) for _ in range(3)]
    first = (await graphql(PAGE, limit=1))["dealQueue"]
    await database.run(text("UPDATE deals SET updated_at = now() WHERE id = :id"), {"id": ids[2]})
    rest = (await graphql(PAGE, limit=5, before=first["nextBefore"]))["dealQueue"]["items"]
    assert [int(item["id"]) for item in rest] == [ids[1], ids[0]]


async def generic_plan(database: Database, statement: str, arguments: str) -> str:
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        # With few rows the planner would prefer a sort.
        await raw.execute(
            "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off"
        )
        await raw.execute(f"PREPARE page AS {statement}")
        plan = await raw.fetch(f"EXPLAIN EXECUTE page({arguments})")
    return "\n".join(line[0] for line in plan)


async def test_a_page_is_read_by_its_index(
    graphql: GraphQLClient, counter: StatementCounter, database: Database
) -> None:
    """Also after a cursor and under a generic plan: no sort, and no deal before the page is read."""
    first = (await graphql("{ dealQueue(limit: 100) { nextBefore } }"))["dealQueue"]["nextBefore"]
    with counter.counting() as seen:
        await graphql("query ($before: Cursor) { dealQueue(limit: 5, before: $before) { nextBefore } }", before=first)
    text = await generic_plan(database, seen.by_driver[0], "'2026-01-01', 1, 6")
    assert "Index Scan using ix_deals_live_updated_at_id" in text
    assert "Index Cond: (ROW(updated_at, id) < ROW(" in text
    assert "Sort" not in text
