"""One deal by its id."""

from tests.api.graphql_client import GraphQLClient

RUNS = """
query ($id: ID!) { deal(id: $id) {
  id status steps { status }
  runs { number trigger status reason createdAt startedAt endedAt nextAttemptAt steps { stage status } }
} }
"""


async def test_an_unknown_deal_is_null(graphql: GraphQLClient) -> None:
    """It is not an error."""
    assert await graphql(RUNS, id="9223372036854775807") == {"deal": None}


async def test_a_text_that_cannot_be_an_id_is_refused(graphql: GraphQLClient) -> None:
    """The message names the mistake; the database is not queried."""
    for id_ in ("", "x", "0", "-1", "1.5", " 1", "01", "1e3", "9223372036854775808", "9" * 5000, "\u0661"):
        error = await graphql.error(RUNS, id=id_)
        assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["deal"]), id_
        assert "`id` is not the id of a deal" in error["message"]
