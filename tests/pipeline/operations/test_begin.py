"""Where another run begins, and that a deal never has two active ones."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from core.database import Database
from models import RunTrigger
from pipeline.operations.begin import begin, finished_before, finished_stages
from pipeline.operations.errors import AlreadyRunning, StageNotReached, UnknownStage
from pipeline.queue import Priority
from pipeline.runs.starting import NewRun
from tests.factories import STAGE_NAMES, STAGES, done_deal, one, queued_deal, rows

RUN = NewRun(deal_id=0, trigger=RunTrigger.MANUAL, priority=Priority.NEW, stages=STAGE_NAMES, requested_by="cli:ada")


async def test_an_active_run_refuses_another_and_the_transaction_continues(database: Database) -> None:
    """Only the second run is undone, not what the operation has written before."""
    deal_id = await queued_deal(database)
    async with database.write() as session:
        with pytest.raises(AlreadyRunning, match=f"Deal {deal_id} has an active run already"):
            await begin(session, replace(RUN, deal_id=deal_id))
        other = await done_deal(database)
        assert (await begin(session, replace(RUN, deal_id=other.deal_id))).number == 2
    assert await one(database, "SELECT count(*) FROM pipeline_runs") == 3


async def test_another_violated_constraint_is_not_taken_for_an_active_run(database: Database) -> None:
    """It is a mistake of the caller's, and stays one."""
    async with database.write() as session:
        with pytest.raises(IntegrityError, match="foreign key"):
            await begin(session, replace(RUN, deal_id=999))


async def test_a_finished_stage_behind_an_unfinished_one_is_not_carried_over(database: Database) -> None:
    """In the order of this release, which may have another stage between them."""
    lease = await done_deal(database)
    await rows(database, "UPDATE steps SET status = 'FAILED' WHERE stage = 'associate' RETURNING 1")
    async with database.read() as session:
        assert await finished_stages(session, lease.run_id, STAGE_NAMES) == ["fetch", "validate"]
        assert await finished_stages(session, lease.run_id, STAGE_NAMES[::-1]) == ["write_back", "score", "deduplicate"]


@pytest.mark.parametrize(
    ("stage", "before"), [("fetch", []), ("validate", ["fetch"]), ("associate", ["fetch", "validate"])]
)
def test_a_run_can_begin_at_a_stage_whose_predecessors_have_finished(stage: str, before: list[str]) -> None:
    """Also at the first one that has not."""
    assert finished_before(stage, ["fetch", "validate"], STAGE_NAMES) == before


def test_a_run_cannot_begin_at_a_later_or_unknown_stage() -> None:
    """The sentence names the stage that has not finished, or the stages that exist."""
    with pytest.raises(StageNotReached, match="cannot begin at score: associate has not finished"):
        finished_before("score", ["fetch", "validate"], STAGE_NAMES)
    with pytest.raises(UnknownStage, match=f"The stages are {', '.join(STAGES)}"):
        finished_before("polish", [], STAGE_NAMES)
