"""The steps of a deal: every stage of its latest run, consistent with the deal's status."""

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import STAGES
from tests.resolvers.shown_deal import shown, statuses


async def test_stages_that_have_not_begun_are_pending(graphql: GraphQLClient, database: Database) -> None:
    """A queued deal shows all its stages, in order, with their labels."""
    deal = await shown(graphql, await factories.insert_queued_deal(database))
    assert [step["stage"] for step in deal["steps"]] == list(STAGES)
    assert deal["steps"][5] == {
        "stage": "write_back",
        "label": "Write back",
        "status": "PENDING",
        "startedAt": None,
        "endedAt": None,
        "attempts": 0,
        "output": None,
        "error": None,
    }
    assert (deal["status"], deal["currentStage"]) == ("QUEUED", None)


async def test_the_current_stage_is_the_one_that_runs(graphql: GraphQLClient, database: Database) -> None:
    """The stages before it are DONE, those after it PENDING."""
    deal = await shown(graphql, await factories.insert_running_deal(database))
    assert (deal["status"], deal["currentStage"]) == ("RUNNING", "validate")
    assert statuses(deal) == ["DONE", "RUNNING", "PENDING", "PENDING", "PENDING", "PENDING"]
    assert deal["steps"][1]["startedAt"] == "2026-11-01T12:00:01.123456+00:00"
    assert deal["steps"][1]["endedAt"] is None


async def test_the_steps_are_those_of_the_latest_run(graphql: GraphQLClient, database: Database) -> None:
    """Those of earlier runs are shown under `runs` only."""
    deal = await shown(graphql, await factories.insert_twice_run_deal(database))
    assert (deal["status"], set(statuses(deal))) == ("DONE", {"DONE"})


async def test_a_reason_is_shown(graphql: GraphQLClient, database: Database) -> None:
    """For example why a queued deal is not processed."""
    deal_id = await factories.insert_deal(database)
    await factories.insert_run(database, deal_id, RunStatus.QUEUED, reason=RunReason.HELD)
    deal = await shown(graphql, deal_id)
    assert (deal["status"], deal["reason"]) == ("QUEUED", "HELD")


async def test_a_requeued_step_is_pending_and_keeps_its_attempts(graphql: GraphQLClient, database: Database) -> None:
    """After its worker has died the stage is PENDING again: no times, but one attempt."""
    deal_id = await factories.insert_deal(database)
    await factories.insert_run(database, deal_id, RunStatus.QUEUED, (StepStatus.DONE, StepStatus.PENDING))
    step = (await shown(graphql, deal_id))["steps"][1]
    assert (step["status"], step["startedAt"], step["attempts"]) == ("PENDING", None, 1)


LEFT_RUNNING = {
    RunStatus.QUEUED: "PENDING",
    RunStatus.RETRYING: "FAILED",
    RunStatus.DONE: "DONE",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "CANCELLED",
    RunStatus.SKIPPED: "SKIPPED",
}


async def test_no_step_is_running_in_a_run_that_is_not(graphql: GraphQLClient, database: Database) -> None:
    """Even if a writer ever left a step RUNNING, the response would not contradict itself."""
    for status, step in LEFT_RUNNING.items():
        deal_id = await factories.insert_deal(database)
        await factories.insert_run(database, deal_id, status, (StepStatus.DONE, StepStatus.RUNNING))
        deal = await shown(graphql, deal_id)
        assert (deal["status"], statuses(deal)[1]) == (status, step)


async def test_a_deal_processed_by_the_product_is_shown_as_done(graphql: GraphQLClient, database: Database) -> None:
    """With the stored outputs of all its stages."""
    lease = await factories.done_deal(database)
    deal = await shown(graphql, lease.deal_id)
    assert (deal["status"], deal["currentStage"], set(statuses(deal))) == ("DONE", "write_back", {"DONE"})
    assert [step["output"] for step in deal["steps"]] == [{"stage": stage} for stage in STAGES]


async def test_a_deal_without_a_run_shows_its_own_status(graphql: GraphQLClient, database: Database) -> None:
    """It comes from the deal's own row."""
    await factories.insert_deal(database, status=RunStatus.SKIPPED, current_stage="fetch")
    item = (await graphql("{ dealQueue { items { status currentStage steps { stage } runs { id } } } }"))["dealQueue"]
    assert item["items"] == [{"status": "SKIPPED", "currentStage": "fetch", "steps": [], "runs": []}]
