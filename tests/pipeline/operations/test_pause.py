"""While the queue is paused no stage begins; afterwards runs continue in their order."""

import asyncio

import pytest

from core.database import Database
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import AlreadyPaused, NotPaused
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from scheduler.jobs import sweep_runs
from tests.factories import WORKER, one, queued_deal, rows, run_store
from tests.pipeline.operations.states import held_deal, last_run
from tests.scheduler.contexts import job_context

QUEUED = "SELECT count(*) FROM pipeline_runs WHERE status = 'QUEUED'"
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


async def test_nothing_is_claimed_while_paused(database: Database, context: OperationContext) -> None:
    """The claim itself reads the flag: no worker can miss it."""
    deal_id = await queued_deal(database)
    done = await pause(context)
    assert "Running stages end; no other stage begins" in done.sentence
    assert await run_store(database).claim(deal_id, worker=WORKER) is None
    assert (await last_run(database, deal_id))["status"] == "QUEUED"
    await resume(context)
    assert await run_store(database).claim(deal_id, worker=WORKER) is not None


@pytest.mark.parametrize("_round", range(5))
async def test_a_pause_and_claims_at_once(database: Database, context: OperationContext, _round: int) -> None:
    """Each run is held by a worker, which continues it, or waits; after the pause no worker can claim one."""
    deals = [await queued_deal(database) for _ in range(4)]
    claims = [run_store(database).claim(deal_id, worker=WORKER) for deal_id in deals]
    _, *leases = await asyncio.gather(pause(context), *claims)
    assert await one(database, QUEUED) == leases.count(None)
    for deal_id in deals:
        assert await run_store(database).claim(deal_id, worker=WORKER) is None


async def test_pausing_twice_is_refused(database: Database, context: OperationContext) -> None:
    """And so is resuming what is not paused."""
    with pytest.raises(NotPaused):
        await resume(context)
    await pause(context)
    with pytest.raises(AlreadyPaused, match="by cli:ada"):
        await pause(context)


async def test_of_several_who_resume_at_once_one_does(database: Database, context: OperationContext) -> None:
    """The row's lock decides."""
    await pause(context)
    outcomes = await asyncio.gather(*(resume(context) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, OperationResult) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NotPaused) for outcome in outcomes) == 3


async def test_resume_redelivers_by_priority_and_age(database: Database, context: OperationContext) -> None:
    """A run whose job was delivered while paused has none any more; a held run gets none."""
    first, second, urgent = [await queued_deal(database) for _ in range(3)]
    await held_deal(database)
    await process_now(context, urgent)
    await pause(context)
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    assert (await resume(context)).sentence == "The queue is resumed. 3 waiting runs were redelivered."
    jobs = await rows(database, "SELECT args->>'deal_id' AS deal FROM procrastinate_jobs ORDER BY id")
    assert [row["deal"] for row in jobs] == [str(urgent), str(first), str(second)]
    linked = "SELECT count(*) FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id"
    assert await one(database, linked) == 3


async def test_the_sweep_does_nothing_while_paused(database: Database, context: OperationContext) -> None:
    """A run may have no job until the queue is resumed."""
    await queued_deal(database)
    await rows(database, "UPDATE pipeline_runs SET created_at = now() - interval '1 minute' RETURNING id")
    await rows(database, "DELETE FROM procrastinate_jobs RETURNING id")
    await pause(context)
    await sweep_runs(job_context(database))
    assert await one(database, JOBS) == 0
    assert (await resume(context)).sentence == "The queue is resumed. 1 waiting run was redelivered."
    assert await one(database, JOBS) == 1
