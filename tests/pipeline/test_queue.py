"""Every statement that queues jobs wakes the idle workers, once for all jobs of its transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from procrastinate import App
from procrastinate.worker import Worker
from sqlalchemy import text

from core.announcing import Announcement
from core.database import Database
from models.conditions import QUEUE, TASK
from pipeline.operations.audited import OperationContext
from pipeline.operations.held import decide_held
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from pipeline.runs.store import RunStore
from tests.factories import (
    INCARNATION,
    STAGE_NAMES,
    WORKER,
    deal_row,
    done_deal,
    expire,
    one,
    queued_deal,
    run_store,
    running_deal,
    store,
)
from tests.pipeline.operations.states import failed_deal, held_deal

PAGE = 200
Queueing = Callable[[], Awaitable[object]]


@pytest.fixture
def announced(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Announcement]:
    """The announcements that were passed to the database."""
    found: list[Announcement] = []
    monkeypatch.setattr(database, "announce", found.append)
    return found


async def _page(context: OperationContext) -> Queueing:
    return partial(store, context.database, *(deal_row() for _ in range(PAGE)))


async def _wanted(context: OperationContext) -> Queueing:
    await done_deal(context.database)
    await context.database.run(text("UPDATE deals SET rerun_wanted_at = now()"))
    return partial(run_store(context.database).start_wanted, STAGE_NAMES)


async def _held(context: OperationContext) -> Queueing:
    await held_deal(context.database)
    return partial(decide_held, context, "approve")


async def _paused(context: OperationContext) -> Queueing:
    await queued_deal(context.database)
    await pause(context)
    return partial(resume, context)


async def _failed(context: OperationContext) -> Queueing:
    return partial(retry, context, (await failed_deal(context.database)).deal_id)


async def _hastened(context: OperationContext) -> Queueing:
    return partial(process_now, context, await queued_deal(context.database))


async def _expired(context: OperationContext) -> Queueing:
    await expire(context.database, await running_deal(context.database))
    return run_store(context.database).reap


async def _own(context: OperationContext) -> Queueing:
    await running_deal(context.database)
    return partial(run_store(context.database).release, WORKER, INCARNATION)


async def _undelivered(context: OperationContext) -> Queueing:
    await queued_deal(context.database)
    await context.database.run(text("DELETE FROM procrastinate_jobs"))
    await context.database.run(text("UPDATE pipeline_runs SET created_at = now() - interval '1 minute'"))
    return run_store(context.database).sweep


@pytest.mark.parametrize(
    "situation", [_page, _wanted, _held, _paused, _failed, _hastened, _expired, _own, _undelivered]
)
async def test_a_statement_that_queues_jobs_wakes_the_workers_once(
    context: OperationContext,
    announced: list[Announcement],
    situation: Callable[[OperationContext], Awaitable[Queueing]],
) -> None:
    """Also a page of two hundred deals."""
    queue = await situation(context)
    announced.clear()
    await queue()
    assert [one.channel for one in announced] == [f"procrastinate_queue_v1#{QUEUE}"]


@pytest.mark.parametrize("idle", [RunStore.reap, RunStore.sweep, partial(RunStore.start_wanted, stages=STAGE_NAMES)])
async def test_a_statement_that_queues_no_job_wakes_no_worker(
    database: Database, announced: list[Announcement], idle: Callable[[RunStore], Awaitable[int]]
) -> None:
    """The scheduler runs them every two seconds."""
    assert await idle(run_store(database)) == 0
    assert announced == []


async def test_a_worker_wakes_at_once(database: Database, app: App) -> None:
    """Much sooner than its next poll: it listens for the notification that we send."""
    begun: asyncio.Queue[int] = asyncio.Queue()

    async def begin(deal_id: int) -> None:
        begun.put_nowait(deal_id)

    app.task(name=TASK, queue=QUEUE)(begin)
    worker = Worker(
        app=app, queues=[QUEUE], fetch_job_polling_interval=60, delete_jobs="always", install_signal_handlers=False
    )
    running = asyncio.create_task(worker.run())
    # The first may be found by its first fetch, or before it listens; the others only by a notification.
    deals = [await queued_deal(database)]
    async with asyncio.timeout(30):
        for _ in range(3):
            assert await begun.get() == deals[-1]
            await _until_none_is_left(database)
            deals.append(await queued_deal(database))
        await begun.get()
    worker.stop()
    await running


async def _until_none_is_left(database: Database) -> None:
    while await one(database, "SELECT count(*) FROM procrastinate_jobs"):  # noqa: ASYNC110 - another process's rows
        await asyncio.sleep(0.02)


async def test_a_job_alone_sends_no_notification(database: Database) -> None:
    """Procrastinate's trigger for each inserted row is disabled."""
    enabled = await database.run(
        text("SELECT tgenabled FROM pg_trigger WHERE tgname = 'procrastinate_jobs_notify_queue_job_inserted_v1'")
    )
    assert [row.tgenabled for row in enabled] == [b"D"]
