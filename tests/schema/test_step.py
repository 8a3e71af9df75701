"""What a step shows of its output and of its error."""

from sqlalchemy import text

from core.database import Database
from models import RunStatus, StepStatus
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.resolvers.shown_deal import shown, statuses


async def test_a_failed_step_has_the_error_of_its_last_attempt(graphql: GraphQLClient, database: Database) -> None:
    """It is FAILED until the next attempt begins."""
    deal = await shown(graphql, await factories.insert_retrying_deal(database))
    assert (deal["status"], statuses(deal)[:3]) == ("RETRYING", ["DONE", "FAILED", "PENDING"])
    assert deal["steps"][1]["error"] == {"type": "Timeout", "message": "HubSpot did not answer within 30 s."}


async def test_a_finished_stage_has_its_output(graphql: GraphQLClient, database: Database) -> None:
    """As the stage stored it; numbers beyond 64 bits included."""
    deal_id = await factories.insert_deal(database)
    run_id = await factories.insert_run(database, deal_id, RunStatus.RUNNING)
    await factories.insert_step(database, run_id, 0, StepStatus.DONE, output={"found": [1, "zwei", None]})
    await database.run(text("UPDATE steps SET output = output || '{\"big\": 1180591620717411303424}'"))
    deal = await shown(graphql, deal_id)
    assert deal["steps"][0]["output"] == {"found": [1, "zwei", None], "big": float(2**70)}
