"""A page of the queue in GraphQL."""

from core.database import Database
from tests import factories
from tests.api.graphql_client import GraphQLClient

PAGE = "query ($limit: Int!, $before: Cursor) { dealQueue(limit: $limit, before: $before) { items { id } nextBefore } }"


async def test_the_last_page_has_no_next_cursor(graphql: GraphQLClient, database: Database) -> None:
    """`nextBefore` is null at the end, also when the last page is full."""
    for _ in range(4):
        await factories.insert_deal(database)
    first = (await graphql(PAGE, limit=2))["dealQueue"]
    second = (await graphql(PAGE, limit=2, before=first["nextBefore"]))["dealQueue"]
    assert first["nextBefore"] is not None
    assert (len(second["items"]), second["nextBefore"]) == (2, None)


async def test_an_empty_queue_is_an_empty_page(graphql: GraphQLClient) -> None:
    """It is not an error."""
    assert await graphql("{ dealQueue { items { id } nextBefore } }") == {
        "dealQueue": {"items": [], "nextBefore": None}
    }
