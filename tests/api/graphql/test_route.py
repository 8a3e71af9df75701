"""POST /graphql as the GraphQL over HTTP specification describes it."""

from typing import Any

import httpx
import pytest

from tests.api.graphql_client import GraphQLClient

NEW = "application/graphql-response+json"


OLD = "application/json"


JSON = {"Content-Type": "application/json"}


async def post(offline_graphql: GraphQLClient, accept: str, query: str, **more: Any) -> httpx.Response:
    return await offline_graphql.client.post("/graphql", json={"query": query, **more}, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("query", "variables"), [("{", {}), ("{ nope }", {}), ("query ($i: ID!) { deal(id: $i) { id } }", {"i": []})]
)
async def test_a_refused_request_is_a_400_without_data_for_the_newer_media_type(
    offline_graphql: GraphQLClient, query: str, variables: dict[str, Any]
) -> None:
    """Syntax, validation, variables: 400 and no `data`; 200 and `"data": null` for application/json."""
    newer = await post(offline_graphql, NEW, query, variables=variables)
    assert (newer.status_code, newer.headers["content-type"]) == (400, NEW)
    assert newer.json().keys() == {"errors"}
    older = await post(offline_graphql, OLD, query, variables=variables)
    assert (older.status_code, older.headers["content-type"]) == (200, OLD)
    assert older.json()["data"] is None


async def test_an_error_of_a_field_is_not_a_request_error(offline_graphql: GraphQLClient) -> None:
    """The operation was executed: 200 in both media types."""
    answer = await post(offline_graphql, NEW, '{ deal(id: "x") { id } }')
    assert (answer.status_code, answer.json()["data"]) == (200, {"deal": None})


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_only_post_is_allowed(offline_graphql: GraphQLClient, method: str) -> None:
    """A query in a URL would be logged and cached."""
    answer = await offline_graphql.client.request(method, "/graphql", params={"query": "{ __typename }"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
