"""While the queue is paused no stage begins; afterwards runs continue in their order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from procrastinate import App

from core.database import Database
from core.settings import Settings
from models.conditions import QUEUE, TASK
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import AlreadyPaused, NotPaused
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.stages.stage import StageContext
from pipeline.worker.entry import _queue_workers
from pipeline.worker.pausing import LOOK_SECONDS, pausable
from scheduler.jobs import sweep_runs
from tests.factories import STAGES, WORKER, one, queued_deal, rows, run_store
from tests.pipeline.operations.states import held_deal, last_run
from tests.pipeline.staging import runner, stage
from tests.scheduler.contexts import job_context

QUEUED = "SELECT count(*) FROM pipeline_runs WHERE status = 'QUEUED'"
DONE = "SELECT count(*) FROM pipeline_runs WHERE status = 'DONE'"
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


@asynccontextmanager
async def working(
    database: Database, app: App, work: Callable[[StageContext], Awaitable[None]] | None = None
) -> AsyncIterator[None]:
    """A worker as the product builds it, with stages of the test's own."""
    async with pausable(app, database) as jobs:
        subject = runner(database, *(stage(key, work) for key in STAGES), paused=lambda: jobs.paused)
        if TASK not in app.tasks:
            app.task(name=TASK, queue=QUEUE)(subject.process)
        worker = _queue_workers(app, Settings())[0]
        running = asyncio.create_task(worker.run())
        yield
        worker.stop()
        await running


async def until(database: Database, sql: str, expected: int, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await one(database, sql) == expected:
                return
            await asyncio.sleep(0.05)


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


async def test_a_worker_stops_and_continues(database: Database, app: App, context: OperationContext) -> None:
    """Within 2 s no job is taken any more; the stage that runs ends, its run waits; resumed, all are done."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: StageContext) -> None:
        begun.set()
        await go_on.wait()

    await queued_deal(database)
    async with working(database, app, wait):
        await begun.wait()
        await pause(context)
        await asyncio.sleep(LOOK_SECONDS + 0.3)
        go_on.set()
        await until(database, QUEUED, 1)
        assert await rows(database, "SELECT stage, status FROM steps") == [{"stage": STAGES[0], "status": "DONE"}]
        for _ in range(3):
            await queued_deal(database)
        await asyncio.sleep(2)
        assert (await one(database, QUEUED), await one(database, JOBS)) == (4, 4)
        await resume(context)
        await until(database, DONE, 4)


async def test_a_pause_survives_a_restart_of_the_worker(
    database: Database, app: App, context: OperationContext
) -> None:
    """A worker that starts while the queue is paused takes no job."""
    await pause(context)
    await queued_deal(database)
    async with working(database, app):
        await asyncio.sleep(1.5)
        assert (await one(database, QUEUED), await one(database, JOBS)) == (1, 1)
        await resume(context)
        await until(database, DONE, 1)


async def test_pausing_a_busy_queue_loses_nothing(database: Database, app: App, context: OperationContext) -> None:
    """Paused and resumed in the middle, several times: every run is done, by one job or another."""
    for _ in range(40):
        await queued_deal(database)
    async with working(database, app):
        for _ in range(3):
            await pause(context)
            await asyncio.sleep(0.2)
            await resume(context)
            await asyncio.sleep(0.2)
        # Less than the 15 s after which the sweep would look: resuming alone must be enough.
        await until(database, DONE, 40)
