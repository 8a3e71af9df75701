"""A deal with its steps, as GraphQL shows it."""

from typing import Any

from tests.api.graphql_client import GraphQLClient

DEAL = """
query ($id: ID!) { deal(id: $id) {
  status reason currentStage
  steps { stage label status startedAt endedAt attempts output error { type message } }
} }
"""


async def shown(graphql: GraphQLClient, deal_id: int) -> dict[str, Any]:
    deal: dict[str, Any] = (await graphql(DEAL, id=deal_id))["deal"]
    return deal


def statuses(deal: dict[str, Any]) -> list[str]:
    return [step["status"] for step in deal["steps"]]
