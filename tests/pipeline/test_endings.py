"""A run ends when somebody asks for it, and waits when the database refuses what is to be written."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from procrastinate import App
from sqlalchemy.exc import OperationalError

from core.database import Database
from crm.errors import ServerError
from pipeline.runs.lease import CancelRequested, Lease, claim
from pipeline.runs.transition import Moved, Transition, move
from pipeline.stages.stage import RetryPolicy, StageContext
from pipeline.statements import Statements
from tests.factories import one, rows
from tests.pipeline.staging import deal_with, run_state, runner, stage

ASK = "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id"
NO_JOB = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id"


async def test_cancelling_ends_the_stage_within_a_second(database: Database, app: App) -> None:
    """Row 41: the stage is cut off, run, step and deal are CANCELLED, and nothing is written later."""
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    deal_id = await deal_with(database, "one", "two")
    task = asyncio.create_task(runner(database, app, stage("one", hang), stage("two")).process(deal_id))
    await begun.wait()
    await rows(database, ASK)
    asked = time.monotonic()
    await task
    assert time.monotonic() - asked < 2
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["CANCELLED 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts WHERE ended_at IS NOT NULL") == "Cancelled"


async def test_a_cancel_that_is_taken_back_while_the_stage_is_cut_off_is_none(database: Database, app: App) -> None:
    """Whoever took it back was told that the run goes on: it waits for its next attempt, with a job."""

    async def hang(_: StageContext) -> None:
        await asyncio.Event().wait()

    async def notice_too_late(_: Database, lease: Lease) -> None:
        raise CancelRequested(f"Run {lease.run_id} was to be cancelled")

    deal_id = await deal_with(database, "one")
    statements = Statements(look=notice_too_late)
    await runner(database, app, stage("one", hang), statements=statements).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["deal"], state["steps"]) == ("QUEUED", "QUEUED", ["PENDING 1"])
    assert await one(database, NO_JOB) == 1


async def test_cancelling_between_stages_begins_no_other_one(database: Database, app: App) -> None:
    """The stage that has ended is DONE, however soon the request came before its end."""

    async def ask(_: StageContext) -> None:
        await rows(database, ASK)

    deal_id = await deal_with(database, "one", "two")
    await runner(database, app, stage("one", ask), stage("two")).process(deal_id)
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["DONE 1"]
    }  # fmt: skip


async def test_a_run_to_be_cancelled_is_not_tried_again(database: Database, app: App) -> None:
    """Nor is there a job for another attempt."""

    async def ask_and_fail(_: StageContext) -> None:
        await rows(database, ASK)
        raise ServerError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    await runner(database, app, stage("one", ask_and_fail)).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("CANCELLED", ["FAILED 1"])
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0


FULL = OperationalError("UPDATE", {}, OSError("No space left on device"))
# As a session says it, as the driver does, and as it is when there is no server.
WAYS = (FULL, asyncpg.DiskFullError("could not extend file"), ConnectionRefusedError("refused"))


def refusing(times: int, *, answer_lost: bool = False, error: Exception = FULL) -> Statements:
    """A database that refuses so many transitions behind the first; or takes them, and its answer is lost."""
    left = [times + 1]

    async def refuse(where: Any, lease: Lease, to: Transition, **options: Any) -> Moved:
        left[0] -= 1
        if left[0] in range(times):
            if answer_lost:
                await move(where, lease, to, **options)
            raise error
        return await move(where, lease, to, **options)

    return Statements(move=refuse)


@pytest.mark.parametrize("error", WAYS, ids=lambda error: type(error).__name__)
async def test_what_the_database_refuses_is_left_for_later(database: Database, app: App, error: Exception) -> None:
    """Row 22: no crash, and none of the stage's attempts is used up."""
    deal_id = await deal_with(database, "one")
    subject = runner(database, app, stage("one", retry=RetryPolicy(attempts=1)), statements=refusing(3, error=error))
    await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "RETRYING", "reason": None, "deal": "RETRYING", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts") == "DatabaseRefused"
    assert await one(database, NO_JOB) == 1
    assert await rows(database, "SELECT r.crashes, s.failures FROM pipeline_runs r, steps s") == [
        {"crashes": 0, "failures": 0}
    ]


@pytest.mark.parametrize("error", WAYS, ids=lambda error: type(error).__name__)
async def test_a_claim_that_the_database_refuses_is_tried_again(database: Database, app: App, error: Exception) -> None:
    """The job that brought the run is its only one: given up, the run would wait for the sweep."""
    refusals = [error, error]

    async def refuse(*of: Any, **options: Any) -> Lease | None:
        if refusals:
            raise refusals.pop()
        return await claim(*of, **options)

    deal_id = await deal_with(database, "one")
    await runner(database, app, stage("one"), statements=Statements(claim=refuse)).process(deal_id)
    assert not refusals
    assert (await run_state(database))["status"] == "DONE"


async def test_a_step_whose_end_was_written_is_not_run_again(database: Database, app: App) -> None:
    """The answer was lost on its way: the step stays DONE, the one that was begun with it waits."""
    deal_id = await deal_with(database, "one", "two")
    stages = (stage("one"), stage("two"))
    await runner(database, app, *stages, statements=refusing(1, answer_lost=True)).process(deal_id)
    assert (await run_state(database))["steps"] == ["DONE 1", "PENDING 1"]
    await rows(database, "UPDATE pipeline_runs SET next_attempt_at = now() RETURNING id")
    await runner(database, app, *stages).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("DONE", ["DONE 1", "DONE 2"])


async def test_interruptions_use_up_no_attempt(database: Database, app: App) -> None:
    """A stage that deploys have cut off twice still has all the attempts of its policy."""

    async def fail(_: StageContext) -> None:
        raise ServerError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    policy = RetryPolicy(attempts=2, first_seconds=0, longest_seconds=0)
    for _ in range(2):
        await _interrupt(database, app, deal_id)
    subject = runner(database, app, stage("one", fail, retry=policy))
    await subject.process(deal_id)
    assert (await run_state(database))["status"] == "RETRYING"
    await subject.process(deal_id)
    assert (await run_state(database))["steps"] == ["FAILED 4"]


async def _interrupt(database: Database, app: App, deal_id: int) -> None:
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runner(database, app, stage("one", hang)).process(deal_id))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
