"""whereIs in GraphQL."""

from tests.api.graphql_client import GraphQLClient


async def test_a_refusal_reaches_the_client_in_words(graphql: GraphQLClient) -> None:
    error = await graphql.error('{ whereIs(deal: "Loom & Co") { words } }')
    assert (error["extensions"]["code"], "names no deal" in error["message"]) == ("BAD_USER_INPUT", True)
