"""The queries: their defaults, and independence of one another."""

from core.database import Database
from tests import factories
from tests.api.graphql_client import GraphQLClient


async def test_a_page_has_50_deals_unless_a_limit_is_given(graphql: GraphQLClient, database: Database) -> None:
    """`before: null` is the first page, as if it were omitted."""
    await factories.insert_full_queue(database, 51)
    for arguments, length in (("", 50), ("(before: null)", 50), ("(limit: 51, before: null)", 51)):
        page = (await graphql(f"{{ dealQueue{arguments} {{ items {{ id }} }} }}"))["dealQueue"]
        assert len(page["items"]) == length


async def test_queries_that_fail_leave_the_others_their_data(graphql: GraphQLClient) -> None:
    """A nullable query becomes null with an error at its path; `pipeline` needs no database."""
    body = await graphql.response('{ deal(id: "x") { id } pipeline { key } }')
    assert body["data"]["deal"] is None
    assert len(body["data"]["pipeline"]) == 6
    assert [error["path"] for error in body["errors"]] == [["deal"]]
