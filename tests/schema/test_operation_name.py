"""A document with several operations."""

from tests.api.graphql_client import GraphQLClient


async def test_the_named_operation_is_executed(offline_graphql: GraphQLClient) -> None:
    """A name that the document does not have is an error."""
    body = {"query": "query A { __typename } query B { b: __typename }", "operationName": "B"}
    assert (await offline_graphql.client.post("/graphql", json=body)).json() == {"data": {"b": "Query"}}
    answer = (await offline_graphql.client.post("/graphql", json={**body, "operationName": "C"})).json()
    assert answer["errors"][0]["message"] == "The document has no operation `C`."
