"""A run ends when somebody asks for it, and waits when the database refuses what is to be written."""

import asyncio
import time

import pytest
from procrastinate import App

from core.database import Database
from core.errors import ConnectionRejected, DatabaseUnavailable
from crm.errors import ServerError
from pipeline.runs.lease import CancelRequested, Lease
from pipeline.runs.store import RunStore
from pipeline.runs.transition import Moved, Transition
from pipeline.stages.stage import RetryPolicy, StageContext
from tests.factories import one, rows
from tests.pipeline.staging import deal_with, run_state, runner, stage

ASK = "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id"
NO_JOB = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id"


async def test_cancelling_ends_the_stage_within_a_second(database: Database) -> None:
    """Row 41: the stage is cut off, run, step and deal are CANCELLED, and nothing is written later."""
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    deal_id = await deal_with(database, "one", "two")
    task = asyncio.create_task(runner(database, stage("one", hang), stage("two")).process(deal_id))
    await begun.wait()
    await rows(database, ASK)
    asked = time.monotonic()
    await task
    assert time.monotonic() - asked < 2
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["CANCELLED 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts WHERE ended_at IS NOT NULL") == "Cancelled"


async def test_a_cancel_that_is_taken_back_while_the_stage_is_cut_off_is_none(database: Database) -> None:
    """Whoever took it back was told that the run goes on: it waits for its next attempt, with a job."""

    async def hang(_: StageContext) -> None:
        await asyncio.Event().wait()

    class LateRuns(RunStore):
        async def check(self, lease: Lease) -> None:
            raise CancelRequested(f"Run {lease.run_id} was to be cancelled")

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", hang), runs=LateRuns(database, lease_seconds=15)).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["deal"], state["steps"]) == ("QUEUED", "QUEUED", ["PENDING 1"])
    assert await one(database, NO_JOB) == 1


async def test_cancelling_between_stages_begins_no_other_one(database: Database) -> None:
    """The stage that has ended is DONE, however soon the request came before its end."""

    async def ask(_: StageContext) -> None:
        await rows(database, ASK)

    deal_id = await deal_with(database, "one", "two")
    await runner(database, stage("one", ask), stage("two")).process(deal_id)
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["DONE 1"]
    }  # fmt: skip


async def test_a_run_to_be_cancelled_is_not_tried_again(database: Database) -> None:
    """Nor is there a job for another attempt."""

    async def ask_and_fail(_: StageContext) -> None:
        await rows(database, ASK)
        raise ServerError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    await runner(database, stage("one", ask_and_fail)).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("CANCELLED", ["FAILED 1"])
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0


FULL = DatabaseUnavailable("could not extend file: No space left on device")
# It refuses the statement, or does not even let the worker in.
WAYS = (FULL, ConnectionRejected("password authentication failed"))


class RefusingRuns(RunStore):
    """A database that refuses so many transitions behind the first; or takes them, and its answer is lost."""

    def __init__(self, database: Database, times: int, *, answer_lost: bool = False, error: Exception = FULL) -> None:
        super().__init__(database, lease_seconds=15)
        self._times, self._left = times, times + 1
        self._answer_lost, self._error = answer_lost, error

    async def move(self, lease: Lease, to: Transition) -> Moved:
        if self._refuses():
            if self._answer_lost:
                await super().move(lease, to)
            raise self._error
        return await super().move(lease, to)

    async def requeue(self, lease: Lease, to: Transition) -> Moved:
        if self._refuses():
            raise self._error
        return await super().requeue(lease, to)

    def _refuses(self) -> bool:
        self._left -= 1
        return self._left in range(self._times)


@pytest.mark.parametrize("error", WAYS, ids=lambda error: type(error).__name__)
async def test_what_the_database_refuses_is_left_for_later(database: Database, error: Exception) -> None:
    """Row 22: no crash, and none of the stage's attempts is used up."""
    deal_id = await deal_with(database, "one")
    subject = runner(database, stage("one", retry=RetryPolicy(attempts=1)), runs=RefusingRuns(database, 3, error=error))
    await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "RETRYING", "reason": None, "deal": "RETRYING", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts") == "ResultNotStored"
    assert await one(database, NO_JOB) == 1
    assert await rows(database, "SELECT r.crashes, s.failures FROM pipeline_runs r, steps s") == [
        {"crashes": 0, "failures": 0}
    ]


@pytest.mark.parametrize("error", WAYS, ids=lambda error: type(error).__name__)
async def test_a_claim_that_the_database_refuses_is_tried_again(database: Database, error: Exception) -> None:
    """The job that brought the run is its only one: given up, the run would wait for the sweep."""
    refusals = [error, error]

    class UnclaimableRuns(RunStore):
        async def claim(self, deal_id: int, *, worker: str) -> Lease | None:
            if refusals:
                raise refusals.pop()
            return await super().claim(deal_id, worker=worker)

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one"), runs=UnclaimableRuns(database, lease_seconds=15)).process(deal_id)
    assert not refusals
    assert (await run_state(database))["status"] == "DONE"


async def test_a_step_whose_end_was_written_is_not_run_again(database: Database) -> None:
    """The answer was lost on its way: the step stays DONE, the one that was begun with it waits."""
    deal_id = await deal_with(database, "one", "two")
    stages = (stage("one"), stage("two"))
    await runner(database, *stages, runs=RefusingRuns(database, 1, answer_lost=True)).process(deal_id)
    assert (await run_state(database))["steps"] == ["DONE 1", "PENDING 1"]
    await rows(database, "UPDATE pipeline_runs SET next_attempt_at = now() RETURNING id")
    await runner(database, *stages).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("DONE", ["DONE 1", "DONE 2"])


async def test_interruptions_use_up_no_attempt(database: Database, app: App) -> None:
    """A stage that deploys have cut off twice still has all the attempts of its policy."""

    async def fail(_: StageContext) -> None:
        raise ServerError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    policy = RetryPolicy(attempts=2, first_seconds=0, longest_seconds=0)
    for _ in range(2):
        await _interrupt(database, deal_id)
    subject = runner(database, stage("one", fail, retry=policy))
    await subject.process(deal_id)
    assert (await run_state(database))["status"] == "RETRYING"
    await subject.process(deal_id)
    assert (await run_state(database))["steps"] == ["FAILED 4"]


async def _interrupt(database: Database, deal_id: int) -> None:
    begun = asyncio.Event()

    async def hang(_: StageContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runner(database, stage("one", hang)).process(deal_id))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
