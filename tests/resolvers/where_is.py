"""Queries `whereIs`."""

from typing import Any

from tests.api.graphql_client import GraphQLClient

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


async def where(graphql: GraphQLClient, deal: object) -> dict[str, Any]:
    document = "query ($deal: String!) { whereIs(deal: $deal) { words position deal { hubspotDealId state } } }"
    found: dict[str, Any] = (await graphql(document, deal=str(deal)))["whereIs"]
    return found


async def words(graphql: GraphQLClient, deal: object) -> str:
    return str((await where(graphql, deal))["words"])
