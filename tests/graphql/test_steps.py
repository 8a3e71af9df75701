"""The steps of a deal: every stage of its latest run, never at odds with the deal's status."""

from typing import Any

from sqlalchemy import text

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from tests import factories as product
from tests.factories import STAGES
from tests.graphql import factories
from tests.graphql.asking import Asker

DEAL = """
query ($id: ID!) { deal(id: $id) {
  status reason currentStage
  steps { stage label status startedAt endedAt attempts output error { type message } }
} }
"""


async def shown(ask: Asker, deal_id: int) -> dict[str, Any]:
    deal: dict[str, Any] = (await ask(DEAL, id=deal_id))["deal"]
    return deal


def statuses(deal: dict[str, Any]) -> list[str]:
    return [step["status"] for step in deal["steps"]]


async def test_stages_that_have_not_begun_are_pending(ask: Asker, database: Database) -> None:
    """A queued deal shows all its stages, in order, with their labels."""
    deal = await shown(ask, await factories.queued_deal(database))
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


async def test_a_running_deal_is_in_the_stage_that_runs(ask: Asker, database: Database) -> None:
    """What is behind it is DONE, what is before it PENDING."""
    deal = await shown(ask, await factories.running_deal(database))
    assert (deal["status"], deal["currentStage"]) == ("RUNNING", "validate")
    assert statuses(deal) == ["DONE", "RUNNING", "PENDING", "PENDING", "PENDING", "PENDING"]
    assert deal["steps"][1]["startedAt"] == "2026-11-01T12:00:01.123456+00:00"
    assert deal["steps"][1]["endedAt"] is None


async def test_a_retrying_deal_says_what_went_wrong(ask: Asker, database: Database) -> None:
    """Its step is FAILED until the next attempt begins."""
    deal = await shown(ask, await factories.retrying_deal(database))
    assert (deal["status"], statuses(deal)[:3]) == ("RETRYING", ["DONE", "FAILED", "PENDING"])
    assert deal["steps"][1]["error"] == {"type": "Timeout", "message": "HubSpot did not answer within 30 s."}


async def test_a_finished_stage_shows_what_it_found(ask: Asker, database: Database) -> None:
    """The output is the JSON that the stage stored; numbers beyond 64 bits included."""
    deal_id = await factories.deal(database)
    run_id = await factories.run(database, deal_id, RunStatus.RUNNING)
    await factories.step(database, run_id, 0, StepStatus.DONE, output={"found": [1, "zwei", None]})
    await database.run(text("UPDATE steps SET output = output || '{\"big\": 1180591620717411303424}'"))
    deal = await shown(ask, deal_id)
    assert deal["steps"][0]["output"] == {"found": [1, "zwei", None], "big": float(2**70)}


async def test_the_steps_are_those_of_the_latest_run(ask: Asker, database: Database) -> None:
    """What an earlier run came to is shown under `runs` only."""
    deal = await shown(ask, await factories.twice_run_deal(database))
    assert (deal["status"], set(statuses(deal))) == ("DONE", {"DONE"})


async def test_a_reason_is_shown(ask: Asker, database: Database) -> None:
    """Why a queued deal does not move, for one."""
    deal_id = await factories.deal(database)
    await factories.run(database, deal_id, RunStatus.QUEUED, reason=RunReason.HELD)
    deal = await shown(ask, deal_id)
    assert (deal["status"], deal["reason"]) == ("QUEUED", "HELD")


async def test_a_rescued_step_waits_and_keeps_its_count(ask: Asker, database: Database) -> None:
    """When its worker died the stage is PENDING again: no times, but the attempt was one."""
    deal_id = await factories.deal(database)
    await factories.run(database, deal_id, RunStatus.QUEUED, (StepStatus.DONE, StepStatus.PENDING))
    step = (await shown(ask, deal_id))["steps"][1]
    assert (step["status"], step["startedAt"], step["attempts"]) == ("PENDING", None, 1)


LEFT_RUNNING = {
    RunStatus.QUEUED: "PENDING",
    RunStatus.RETRYING: "FAILED",
    RunStatus.DONE: "DONE",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "CANCELLED",
    RunStatus.SKIPPED: "SKIPPED",
}


async def test_no_step_runs_in_a_run_that_does_not(ask: Asker, database: Database) -> None:
    """Even if a writer should ever leave a step RUNNING behind, the answer does not contradict itself."""
    for status, step in LEFT_RUNNING.items():
        deal_id = await factories.deal(database)
        await factories.run(database, deal_id, status, (StepStatus.DONE, StepStatus.RUNNING))
        deal = await shown(ask, deal_id)
        assert (deal["status"], statuses(deal)[1]) == (status, step)


async def test_the_writers_of_the_product_are_understood(ask: Asker, database: Database) -> None:
    """A deal that the real statements took through all stages is shown as DONE, with the stored outputs."""
    lease = await product.done_deal(database)
    deal = await shown(ask, lease.deal_id)
    assert (deal["status"], deal["currentStage"], set(statuses(deal))) == ("DONE", "write_back", {"DONE"})
    assert [step["output"] for step in deal["steps"]] == [{"stage": stage} for stage in STAGES]
