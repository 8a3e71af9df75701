"""The stages of a new run."""

from tests.api.graphql_client import GraphQLClient


async def test_the_stages_of_a_new_run_are_shown(graphql: GraphQLClient) -> None:
    """`pipeline` has the stages that the process was started with."""
    stages = (await graphql("{ pipeline { key label } }"))["pipeline"]
    assert stages[0] == {"key": "fetch", "label": "Fetch"}
    assert stages[-1] == {"key": "write_back", "label": "Write back"}
    assert len(stages) == 6
