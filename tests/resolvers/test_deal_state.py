"""A deal's state: late and stuck ones are detected, and the state never contradicts the status."""

import pytest
from sqlalchemy import text

from core.database import Database
from models import PATIENT_PRIORITY, RunReason, RunStatus, StepStatus
from pipeline.operations.audited import OperationContext
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from pipeline.queue import Priority
from pipeline.runs.store import RunStore
from pipeline.runs.transition import StepEnd, Transition
from resolvers.deal_state import StateWord, state_word
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import deal_row, one, run_store, store
from tests.pipeline.operations.states import failed_deal
from tests.resolvers.timings import age_running_steps, age_runs, stats


async def state(graphql: GraphQLClient) -> str:
    """The state of the only deal."""
    items = (await graphql("{ dealQueue { items { state nextAttempt status } } }"))["dealQueue"]["items"]
    assert len(items) == 1
    return str(items[0]["state"])


async def test_a_deal_that_waits_as_long_as_others_is_waiting(graphql: GraphQLClient, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database)
    await age_runs(database, 9)
    assert await state(graphql) == "WAITING"


async def test_a_deal_that_waits_longer_than_95_of_100_is_late(graphql: GraphQLClient, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database)
    await age_runs(database, 11)
    assert await state(graphql) == "LATE"


async def test_with_few_samples_no_deal_is_late(graphql: GraphQLClient, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database, samples=49)
    await age_runs(database, 3600)
    assert await state(graphql) == "WAITING"


async def test_the_backfill_is_never_late(graphql: GraphQLClient, database: Database) -> None:
    """Its priority is the lowest on purpose."""
    await factories.queued_deal(database, run_priority=Priority.BACKFILL)
    await stats(database)
    await age_runs(database, 3600)
    assert await state(graphql) == "WAITING"
    assert int(Priority.BACKFILL) == PATIENT_PRIORITY


async def test_a_requeued_deal_waits_since_it_was_requeued(graphql: GraphQLClient, database: Database) -> None:
    """Not since its run was created."""
    lease = await factories.running_deal(database)
    await run_store(database).move(
        lease, Transition(status=RunStatus.QUEUED, end=StepEnd(0, StepStatus.DONE, output={}))
    )
    await stats(database)
    await age_runs(database, 3600)
    assert await state(graphql) == "WAITING"


async def test_a_retry_waits_since_it_was_requested(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Not since the end of the stages whose outputs it carries over."""
    lease = await failed_deal(database, finished=2)
    await database.run(text("UPDATE steps SET ended_at = ended_at - interval '1 hour'"))
    await retry(context, lease.deal_id)
    await stats(database)
    assert await state(graphql) == "WAITING"
    await age_runs(database, 11)
    assert await state(graphql) == "LATE"


async def test_a_held_deal_is_held_and_a_dropped_one_cancelled(graphql: GraphQLClient, database: Database) -> None:
    await store(database, deal_row(), hold_after=0)
    await stats(database)
    await age_runs(database, 3600)
    assert await state(graphql) == "HELD"
    async with database.write() as session:
        await RunStore.drop_held(session)
    assert await state(graphql) == "CANCELLED"


async def test_a_stage_that_runs_three_times_longer_than_99_of_100_is_stuck(
    graphql: GraphQLClient, database: Database
) -> None:
    await factories.running_deal(database)
    await stats(database, "fetch")
    await age_running_steps(database, 29)
    assert await state(graphql) == "RUNNING"
    await age_running_steps(database, 31)
    assert await state(graphql) == "STUCK"


async def test_a_run_whose_lease_has_expired_is_stuck(graphql: GraphQLClient, database: Database) -> None:
    """Until the reaper requeues it."""
    await factories.expire(database, await factories.running_deal(database))
    assert await state(graphql) == "STUCK"


@pytest.mark.parametrize(("heartbeat", "word"), [("now()", "RUNNING"), ("now() - interval '16 seconds'", "STUCK")])
async def test_a_run_whose_worker_sends_no_heartbeat_is_stuck(
    graphql: GraphQLClient, database: Database, heartbeat: str, word: str
) -> None:
    """By Procrastinate's own heartbeat of the worker that processes the job."""
    await factories.running_deal(database)
    worker = await one(
        database, f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({heartbeat}) RETURNING id"
    )
    await database.run(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})
    assert await state(graphql) == word


async def test_the_next_attempt_is_counted(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.running_deal(database)
    failed = Transition(status=RunStatus.RETRYING, end=StepEnd(0, StepStatus.FAILED, error_type="E"), delay_seconds=60)
    await run_store(database).move(lease, failed)
    items = (await graphql("{ dealQueue { items { state nextAttempt } } }"))["dealQueue"]["items"]
    assert items == [{"state": "RETRYING", "nextAttempt": 2}]


async def test_an_ended_deal_has_the_state_of_its_status(graphql: GraphQLClient, database: Database) -> None:
    await factories.done_deal(database)
    await age_running_steps(database, 3600)
    assert await state(graphql) == "DONE"


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_has_a_state(status: RunStatus) -> None:
    """With the same name, except WAITING and HELD for QUEUED."""
    expected = StateWord.WAITING if status is RunStatus.QUEUED else StateWord[status.name]
    assert state_word(status, None) is expected
    assert state_word(status, RunReason.HELD) is (StateWord.HELD if status is RunStatus.QUEUED else expected)


async def moved(database: Database, assignment: str) -> None:
    """Make the stored times of the only run, or of the pause, earlier."""
    await database.run(text(f"UPDATE {assignment}"))


async def held_for_an_hour(database: Database) -> int:
    await store(database, deal_row(), hold_after=0)
    await stats(database)
    await age_runs(database, 3600)
    return int(await one(database, "SELECT id FROM deals"))


async def test_a_held_deal_waits_since_it_was_approved(graphql: GraphQLClient, database: Database) -> None:
    """It is late when it has waited for too long since then."""
    await held_for_an_hour(database)
    async with database.write() as session:
        assert await RunStore.release_held(session) == 1
    assert await state(graphql) == "WAITING"
    await moved(database, "pipeline_runs SET queued_at = queued_at - interval '11 seconds'")
    assert await state(graphql) == "LATE"


async def test_a_held_deal_waits_since_process_now_was_requested(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """A late deal stays late, although it goes first."""
    deal_id = await held_for_an_hour(database)
    await process_now(context, deal_id)
    assert await state(graphql) == "WAITING"
    await age_runs(database, 11)
    await process_now(context, deal_id)
    assert await state(graphql) == "LATE"


async def test_nothing_becomes_late_while_paused(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """It had waited for 5 s when the queue was paused for an hour; afterwards it waits since the resume."""
    await factories.queued_deal(database)
    await stats(database)
    await age_runs(database, 3600)
    await pause(context)
    await moved(database, "controls SET requested_at = requested_at - interval '3595 seconds'")
    assert await state(graphql) == "WAITING"
    await resume(context)
    assert await state(graphql) == "WAITING"
    await moved(database, "controls SET taken_at = taken_at - interval '11 seconds'")
    assert await state(graphql) == "LATE"
