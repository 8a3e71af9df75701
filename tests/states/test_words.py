"""The word for how a deal stands is true when it is said, and never at odds with its status."""

import pytest
from sqlalchemy import text

from core.database import Database
from models import PATIENT_PRIORITY, RunReason, RunStatus, StepStatus
from pipeline.operations.audited import OperationContext
from pipeline.operations.retry import retry
from pipeline.queue import Priority
from pipeline.runs.store import RunStore
from pipeline.runs.transition import StepEnd, Transition
from resolvers.words import StateWord, word_of
from tests import factories
from tests.factories import deal_row, one, run_store, store
from tests.graphql.asking import Asker
from tests.pipeline.operations.states import failed_deal
from tests.states.measured import begun_ago, made_ago, stats


async def state(ask: Asker) -> str:
    """Of the only deal."""
    items = (await ask("{ dealQueue { items { state nextAttempt status } } }"))["dealQueue"]["items"]
    assert len(items) == 1
    return str(items[0]["state"])


async def test_a_deal_that_waits_as_long_as_others_is_waiting(ask: Asker, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database)
    await made_ago(database, 9)
    assert await state(ask) == "WAITING"


async def test_a_deal_that_waits_longer_than_95_of_100_is_late(ask: Asker, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database)
    await made_ago(database, 11)
    assert await state(ask) == "LATE"


async def test_of_few_samples_nothing_is_concluded(ask: Asker, database: Database) -> None:
    await factories.queued_deal(database)
    await stats(database, samples=49)
    await made_ago(database, 3600)
    assert await state(ask) == "WAITING"


async def test_the_backfill_is_never_late(ask: Asker, database: Database) -> None:
    """It waits because it can."""
    await factories.queued_deal(database, run_priority=Priority.BACKFILL)
    await stats(database)
    await made_ago(database, 3600)
    assert await state(ask) == "WAITING"
    assert int(Priority.BACKFILL) == PATIENT_PRIORITY


async def test_a_deal_that_was_handed_back_waits_since_then(ask: Asker, database: Database) -> None:
    """How long its run exists says nothing about how long it waits."""
    lease = await factories.running_deal(database)
    await run_store(database).move(
        lease, Transition(status=RunStatus.QUEUED, end=StepEnd(0, StepStatus.DONE, output={}))
    )
    await stats(database)
    await made_ago(database, 3600)
    assert await state(ask) == "WAITING"


async def test_a_retry_waits_since_it_was_asked_for(ask: Asker, database: Database, context: OperationContext) -> None:
    """However long ago the stages ended whose outputs it carries over."""
    lease = await failed_deal(database, finished=2)
    await database.run(text("UPDATE steps SET ended_at = ended_at - interval '1 hour'"))
    await retry(context, lease.deal_id)
    await stats(database)
    assert await state(ask) == "WAITING"
    await made_ago(database, 11)
    assert await state(ask) == "LATE"


async def test_held_and_dropped_deals_are_told_apart(ask: Asker, database: Database) -> None:
    await store(database, deal_row(), hold_after=0)
    await stats(database)
    await made_ago(database, 3600)
    assert await state(ask) == "HELD"
    async with database.write() as session:
        await RunStore.drop_held(session)
    assert await state(ask) == "CANCELLED"


async def test_a_stage_that_runs_three_times_longer_than_99_of_100_is_stuck(ask: Asker, database: Database) -> None:
    await factories.running_deal(database)
    await stats(database, "fetch")
    await begun_ago(database, 29)
    assert await state(ask) == "RUNNING"
    await begun_ago(database, 31)
    assert await state(ask) == "STUCK"


async def test_a_run_whose_lease_is_over_is_stuck(ask: Asker, database: Database) -> None:
    """Until the reaper gives it back."""
    await factories.expire(database, await factories.running_deal(database))
    assert await state(ask) == "STUCK"


@pytest.mark.parametrize(("heartbeat", "word"), [("now()", "RUNNING"), ("now() - interval '16 seconds'", "STUCK")])
async def test_a_run_whose_worker_gives_no_sign_is_stuck(
    ask: Asker, database: Database, heartbeat: str, word: str
) -> None:
    """By Procrastinate's own heartbeat of the worker that has the job."""
    await factories.running_deal(database)
    worker = await one(
        database, f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({heartbeat}) RETURNING id"
    )
    await database.run(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id"), {"id": worker})
    assert await state(ask) == word


async def test_the_next_attempt_is_counted(ask: Asker, database: Database) -> None:
    lease = await factories.running_deal(database)
    failed = Transition(status=RunStatus.RETRYING, end=StepEnd(0, StepStatus.FAILED, error_type="E"), delay_seconds=60)
    await run_store(database).move(lease, failed)
    items = (await ask("{ dealQueue { items { state nextAttempt } } }"))["dealQueue"]["items"]
    assert items == [{"state": "RETRYING", "nextAttempt": 2}]


async def test_what_is_over_is_called_as_its_status(ask: Asker, database: Database) -> None:
    await factories.done_deal(database)
    await begun_ago(database, 3600)
    assert await state(ask) == "DONE"


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_has_a_word(status: RunStatus) -> None:
    """That of its own name, but for those who wait."""
    expected = StateWord.WAITING if status is RunStatus.QUEUED else StateWord[status.name]
    assert word_of(status, None) is expected
    assert word_of(status, RunReason.HELD) is (StateWord.HELD if status is RunStatus.QUEUED else expected)
