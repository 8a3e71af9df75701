"""A worker fetches no job while the queue is paused, and continues when it is resumed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from procrastinate import App

from core.database import Database
from core.settings import Settings
from models.conditions import QUEUE, TASK
from pipeline.operations.audited import OperationContext
from pipeline.operations.pause import pause, resume
from pipeline.stages.stage import StageContext
from pipeline.worker.entry import _queue_workers
from pipeline.worker.pausing import PAUSE_POLL_SECONDS, pausable
from tests.factories import STAGES, one, queued_deal, rows, run_store
from tests.pipeline.staging import runner, stage

QUEUED = "SELECT count(*) FROM pipeline_runs WHERE status = 'QUEUED'"
DONE = "SELECT count(*) FROM pipeline_runs WHERE status = 'DONE'"
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'"


@asynccontextmanager
async def working(
    database: Database, app: App, work: Callable[[StageContext], Awaitable[None]] | None = None
) -> AsyncIterator[None]:
    """A worker as the product builds it, with stages of the test's own."""
    async with pausable(app, database, run_store(database)) as jobs:
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


async def test_a_worker_stops_and_continues(database: Database, app: App, context: OperationContext) -> None:
    """Within 2 s no job is fetched any more. The running stage ends and its run waits; resumed, all are done."""
    begun, finish = asyncio.Event(), asyncio.Event()

    async def wait(_: StageContext) -> None:
        begun.set()
        await finish.wait()

    await queued_deal(database)
    async with working(database, app, wait):
        await begun.wait()
        await pause(context)
        await asyncio.sleep(PAUSE_POLL_SECONDS + 0.3)
        finish.set()
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
    """A worker that starts while the queue is paused fetches no job."""
    await pause(context)
    await queued_deal(database)
    async with working(database, app):
        await asyncio.sleep(1.5)
        assert (await one(database, QUEUED), await one(database, JOBS)) == (1, 1)
        await resume(context)
        await until(database, DONE, 1)


async def test_pausing_a_busy_queue_loses_nothing(database: Database, app: App, context: OperationContext) -> None:
    """Paused and resumed while it works, several times: every run is done, by one job or another."""
    for _ in range(40):
        await queued_deal(database)
    async with working(database, app):
        for _ in range(3):
            await pause(context)
            await asyncio.sleep(0.2)
            await resume(context)
            await asyncio.sleep(0.2)
        # Less than the 15 s after which the sweep would run: resuming alone must be enough.
        await until(database, DONE, 40)
