"""A run ends when its cancellation is requested, and is retried when the database cannot store its result."""

import asyncio
import time
from typing import Any

import pytest
from procrastinate import App
from sqlalchemy import text

from core.database import Database
from core.errors import ConnectionRejected, DatabaseUnavailable
from crm.errors import ServerError
from pipeline.runs.lease import CancelRequested, Lease
from pipeline.runs.store import RunStore
from pipeline.runs.transition import Moved, Transition
from pipeline.stages.stage import RetryPolicy, StageContext
from tests.factories import one, rows
from tests.pipeline.staging import Hanging, deal_with, run_state, runner, stage

REQUEST_CANCEL = "UPDATE pipeline_runs SET cancel_requested_at = now() RETURNING id"
NO_JOB = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id"


async def test_cancelling_ends_the_stage_within_a_second(database: Database) -> None:
    """The stage is stopped; run, step and deal are CANCELLED, and nothing is written later."""
    hang = Hanging()
    deal_id = await deal_with(database, "one", "two")
    task = asyncio.create_task(runner(database, stage("one", hang), stage("two")).process(deal_id))
    await hang.begun.wait()
    await rows(database, REQUEST_CANCEL)
    requested = time.monotonic()
    await task
    assert time.monotonic() - requested < 2
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["CANCELLED 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts WHERE ended_at IS NOT NULL") == "Cancelled"


async def test_a_cancel_that_is_withdrawn_while_the_stage_is_stopped_has_no_effect(database: Database) -> None:
    """The undo reported that the run continues: it waits for its next attempt, with a job."""

    class LateRuns(RunStore):
        async def check(self, lease: Lease) -> None:
            raise CancelRequested(f"Run {lease.run_id} was to be cancelled")

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", Hanging()), runs=LateRuns(database, lease_seconds=15)).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["deal"], state["steps"]) == ("QUEUED", "QUEUED", ["PENDING 1"])
    assert await one(database, NO_JOB) == 1


async def test_a_run_that_is_cancelled_between_stages_begins_no_other_stage(database: Database) -> None:
    """The stage that has ended is DONE, even if the request came just before its end."""

    async def request(_: StageContext) -> None:
        await rows(database, REQUEST_CANCEL)

    deal_id = await deal_with(database, "one", "two")
    await runner(database, stage("one", request), stage("two")).process(deal_id)
    assert await run_state(database) == {
        "status": "CANCELLED", "reason": None, "deal": "CANCELLED", "stage": "one", "steps": ["DONE 1"]
    }  # fmt: skip


async def test_a_run_that_is_to_be_cancelled_is_not_retried(database: Database) -> None:
    """No job delivers another attempt."""

    async def request_and_fail(_: StageContext) -> None:
        await rows(database, REQUEST_CANCEL)
        raise ServerError("HubSpot answered 502.")

    deal_id = await deal_with(database, "one")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    await runner(database, stage("one", request_and_fail)).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("CANCELLED", ["FAILED 1"])
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0


FULL = DatabaseUnavailable("could not extend file: No space left on device")
# It cannot execute the statement, or rejects the connection.
OUTAGES = (FULL, ConnectionRejected("password authentication failed"))


class FailingRuns(RunStore):
    """The database is unavailable for `times` transitions after the first; or it stores them and its answer is lost."""

    def __init__(self, database: Database, times: int, *, answer_lost: bool = False, error: Exception = FULL) -> None:
        super().__init__(database, lease_seconds=15)
        self._times, self._left = times, times + 1
        self._answer_lost, self._error = answer_lost, error

    async def move(self, lease: Lease, to: Transition) -> Moved:
        if self._fails():
            if self._answer_lost:
                await super().move(lease, to)
            raise self._error
        return await super().move(lease, to)

    async def leave(self, lease: Lease, to: Transition) -> Moved:
        if self._fails():
            raise self._error
        return await super().leave(lease, to)

    def _fails(self) -> bool:
        self._left -= 1
        return self._left in range(self._times)


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_a_result_that_cannot_be_stored_is_retried_later(database: Database, error: Exception) -> None:
    """It counts as no crash, and uses up none of the stage's attempts."""
    deal_id = await deal_with(database, "one")
    subject = runner(database, stage("one", retry=RetryPolicy(attempts=1)), runs=FailingRuns(database, 3, error=error))
    await subject.process(deal_id)
    assert await run_state(database) == {
        "status": "RETRYING", "reason": None, "deal": "RETRYING", "stage": "one", "steps": ["PENDING 1"]
    }  # fmt: skip
    assert await one(database, "SELECT error_type FROM step_attempts") == "ResultNotStored"
    assert await one(database, NO_JOB) == 1
    assert await rows(database, "SELECT r.crashes, s.failures FROM pipeline_runs r, steps s") == [
        {"crashes": 0, "failures": 0}
    ]


@pytest.mark.parametrize("error", [BrokenPipeError("cut"), RuntimeError("odd")], ids=lambda error: type(error).__name__)
async def test_a_mistake_of_the_worker_fails_the_run_and_is_no_refusal_of_the_database(
    database: Database, error: Exception
) -> None:
    """A socket's error that no statement has raised is no outage. The run does not wait for its lease."""
    deal_id = await deal_with(database, "one")
    await runner(database, stage("one"), runs=FailingRuns(database, 1, error=error)).process(deal_id)
    assert (await run_state(database))["status"] == "FAILED"
    attempts = await rows(database, "SELECT error_type, error_message FROM step_attempts")
    assert attempts == [
        {"error_type": type(error).__name__, "error_message": f"The worker could not process the run: {error}"}
    ]
    assert await one(database, "SELECT crashes FROM pipeline_runs") == 0


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_a_claim_is_retried_while_the_database_is_unavailable(database: Database, error: Exception) -> None:
    """The job that delivered the run is its only one: without it, the run would wait for the sweep."""
    outages = [error, error]

    class UnclaimableRuns(RunStore):
        async def claim(self, deal_id: int, **holder: Any) -> Lease | None:
            if outages:
                raise outages.pop()
            return await super().claim(deal_id, **holder)

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one"), runs=UnclaimableRuns(database, lease_seconds=15)).process(deal_id)
    assert not outages
    assert (await run_state(database))["status"] == "DONE"


async def test_a_step_whose_end_was_written_is_not_run_again(database: Database) -> None:
    """The answer was lost: the step stays DONE, and the one that was begun by the same statement waits."""
    deal_id = await deal_with(database, "one", "two")
    stages = (stage("one"), stage("two"))
    await runner(database, *stages, runs=FailingRuns(database, 1, answer_lost=True)).process(deal_id)
    assert (await run_state(database))["steps"] == ["DONE 1", "PENDING 1"]
    await rows(database, "UPDATE pipeline_runs SET next_attempt_at = now() RETURNING id")
    await runner(database, *stages).process(deal_id)
    state = await run_state(database)
    assert (state["status"], state["steps"]) == ("DONE", ["DONE 1", "DONE 2"])


async def test_interruptions_use_up_no_attempt(database: Database, app: App) -> None:
    """A stage that two deployments have interrupted still has all the attempts of its policy."""

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
    hang = Hanging()
    task = asyncio.create_task(runner(database, stage("one", hang)).process(deal_id))
    await hang.begun.wait()
    task.cancel()
    await asyncio.wait({task})


async def test_the_error_of_a_stage_holds_neither_sql_nor_values(database: Database) -> None:
    """Neither does its traceback, which still leads to the place in our code."""

    async def store_twice(_: StageContext) -> None:
        await database.run(text("CREATE TABLE people (email text UNIQUE)"))
        people = [{"email": "canary"}] * 2
        async with database.write() as session:
            await session.execute(text("INSERT INTO people VALUES (:email)"), people)

    deal_id = await deal_with(database, "one")
    await runner(database, stage("one", store_twice)).process(deal_id)
    [attempt] = await rows(database, "SELECT error_type, error_message, traceback FROM step_attempts")
    assert attempt["error_message"] == 'duplicate key value violates unique constraint "people_email_key"'
    assert "canary" not in attempt["traceback"]
    assert "in store_twice" in attempt["traceback"]
