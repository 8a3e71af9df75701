"""A deal is processed before all other runs that wait."""

import asyncio

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.errors import AlreadyRunning
from pipeline.operations.process_now import process_now
from tests.factories import WORKER, done_deal, one, queued_deal, rows, run_store, running_deal
from tests.pipeline.operations.states import held_deal, last_run, retrying_deal, runs


async def next_deal(app: App) -> int | None:
    """The deal whose job a worker would be given next."""
    worker_id = await app.job_manager.register_worker()
    job = await app.job_manager.fetch_job(queues=None, worker_id=worker_id)
    return None if job is None else int(str(job.task_kwargs["deal_id"]))


async def test_a_deal_that_is_done_gets_a_run(database: Database, context: OperationContext) -> None:
    """A MANUAL one, whole, at the highest priority."""
    lease = await done_deal(database)
    await process_now(context, lease.deal_id)
    run = await last_run(database, lease.deal_id)
    assert (run["number"], run["trigger"], run["priority"], run["steps"], run["jobs"]) == (2, "MANUAL", 20, [], 1)


async def test_a_waiting_run_goes_before_all_others(database: Database, context: OperationContext, app: App) -> None:
    """The same run, with one job; no other run is created."""
    first, second = await queued_deal(database), await queued_deal(database)
    await process_now(context, second)
    assert [await next_deal(app), await next_deal(app), await next_deal(app)] == [second, first, None]
    assert len(await runs(database, second)) == 1


async def test_a_run_that_waits_for_its_next_attempt_is_due(database: Database, context: OperationContext) -> None:
    """It can be claimed at once."""
    lease = await retrying_deal(database)
    await process_now(context, lease.deal_id)
    assert await run_store(database).claim(lease.deal_id, worker=WORKER) is not None


async def test_a_held_run_is_released(database: Database, context: OperationContext) -> None:
    """This one, and no other of the storm."""
    held, other = await held_deal(database), await held_deal(database)
    await process_now(context, held)
    assert (await last_run(database, held))["jobs"] == 1
    assert await rows(database, "SELECT deal_id FROM pipeline_runs WHERE reason = 'HELD'") == [{"deal_id": other}]


async def test_a_running_deal_is_refused(database: Database, context: OperationContext) -> None:
    """A worker is processing it already."""
    lease = await running_deal(database)
    with pytest.raises(AlreadyRunning, match=f"Run 1 of deal {lease.deal_id} is running"):
        await process_now(context, lease.deal_id)


async def test_ten_clicks_make_one_run(database: Database, context: OperationContext) -> None:
    """The first one starts it, and the others find it waiting; it has one job."""
    lease = await done_deal(database)
    clicks = (process_now(context, lease.deal_id) for _ in range(10))
    outcomes = await asyncio.gather(*clicks, return_exceptions=True)
    assert all(isinstance(outcome, OperationResult | AlreadyRunning) for outcome in outcomes), outcomes
    assert len(await runs(database, lease.deal_id)) == 2
    todo = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND (args->>'deal_id')::bigint = :id"
    assert await one(database, f"{todo} AND priority = 20", id=lease.deal_id) == 1
