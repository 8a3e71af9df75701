"""Runs in GraphQL."""

from core.database import Database
from tests import factories
from tests.api.graphql_client import GraphQLClient

RUNS = """
query ($id: ID!) { deal(id: $id) {
  id status steps { status }
  runs { number trigger status reason createdAt startedAt endedAt nextAttemptAt steps { stage status } }
} }
"""


async def test_every_run_is_shown_the_latest_first(graphql: GraphQLClient, database: Database) -> None:
    """Each with its own steps."""
    deal = (await graphql(RUNS, id=await factories.insert_twice_run_deal(database)))["deal"]
    assert [(run["number"], run["trigger"], run["status"]) for run in deal["runs"]] == [
        (2, "RETRY", "DONE"),
        (1, "NEW", "FAILED"),
    ]
    first = [step["status"] for step in deal["runs"][1]["steps"]]
    assert first == ["DONE", "FAILED", "PENDING", "PENDING", "PENDING", "PENDING"]


async def test_a_retrying_run_has_the_time_of_its_next_attempt(graphql: GraphQLClient, database: Database) -> None:
    """`nextAttemptAt` is in UTC."""
    deal = (await graphql(RUNS, id=await factories.insert_retrying_deal(database)))["deal"]
    assert deal["runs"][0]["nextAttemptAt"] == "2026-11-01T12:01:00.123456+00:00"
