"""A waiting run is cancelled at once, the worker of a running one is asked to stop; both can be undone for 10 s."""

import asyncio

import pytest

from core.database import Database
from models import RunStatus
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.errors import AlreadyRunning, NothingToCancel, NothingToUndo
from pipeline.runs.lease import LeaseLost
from pipeline.worker import outcome
from tests.factories import WORKER, done_deal, finish_step, one, queued_deal, rows, run_store, running_deal
from tests.pipeline.operations.states import failed_deal, held_deal, last_run, retrying_deal

LATER = "UPDATE pipeline_runs SET cancel_requested_at = now() - interval '11 seconds' RETURNING id"
INTERRUPTED = """
WITH run AS (UPDATE pipeline_runs SET status = 'QUEUED', lease_until = NULL WHERE id = :id RETURNING id)
UPDATE steps AS s SET status = 'PENDING' FROM run WHERE s.run_id = run.id AND s.status = 'RUNNING' RETURNING 1
"""


async def test_a_waiting_run_is_cancelled_at_once(database: Database, context: OperationContext) -> None:
    """Queued, retrying or held: run and deal are CANCELLED, and no job is left."""
    waiting = (await queued_deal(database), (await retrying_deal(database)).deal_id, await held_deal(database))
    for deal_id in waiting:
        assert (await cancel(context, deal_id)).sentence == f"Run 1 of deal {deal_id} is cancelled."
        run = await last_run(database, deal_id)
        assert (run["status"], run["deal"], run["jobs"]) == ("CANCELLED", "CANCELLED", 0)
        assert await run_store(database).claim(deal_id, worker=WORKER) is None


async def test_an_interrupted_step_is_cancelled_with_its_run(database: Database, context: OperationContext) -> None:
    """No step of an ended run looks unfinished."""
    lease = await running_deal(database)
    await rows(database, INTERRUPTED, id=lease.run_id)
    await cancel(context, lease.deal_id)
    assert (await last_run(database, lease.deal_id))["steps"] == ["fetch CANCELLED 1"]


async def test_the_worker_of_a_running_run_is_asked_to_stop(database: Database, context: OperationContext) -> None:
    """The worker ends the run; a second cancel is refused."""
    lease = await running_deal(database)
    assert (await cancel(context, lease.deal_id)).sentence.endswith("is running; its worker was asked to stop.")
    assert await one(database, "SELECT cancel_requested_at IS NOT NULL FROM pipeline_runs")
    assert (await last_run(database, lease.deal_id))["status"] == "RUNNING"
    with pytest.raises(NothingToCancel, match="is being cancelled already"):
        await cancel(context, lease.deal_id)


async def test_an_ended_run_cannot_be_cancelled(database: Database, context: OperationContext) -> None:
    """The sentence says how the last one ended."""
    lease = await done_deal(database)
    with pytest.raises(NothingToCancel, match=f"Deal {lease.deal_id} has no active run; the last one is done"):
        await cancel(context, lease.deal_id)


async def test_undo_starts_a_run_at_the_same_stage(database: Database, context: OperationContext) -> None:
    """A MANUAL one, with what the cancelled one had finished."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    await rows(database, INTERRUPTED, id=lease.run_id)
    await cancel(context, lease.deal_id)
    done = await undo_cancel(context, lease.deal_id)
    assert done.sentence == f"Run 2 of deal {lease.deal_id} continues where run 1 was cancelled."
    run = await last_run(database, lease.deal_id)
    assert (run["trigger"], run["status"], run["steps"], run["jobs"]) == ("MANUAL", "QUEUED", ["fetch DONE 0"], 1)


async def test_undo_after_the_worker_has_ended_the_run(database: Database, context: OperationContext) -> None:
    """The interrupted stage is the first of the new run."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    await cancel(context, lease.deal_id)
    await run_store(database).move(lease, outcome.cancelled(1))
    assert (await last_run(database, lease.deal_id))["status"] == "CANCELLED"
    await undo_cancel(context, lease.deal_id)
    run = await last_run(database, lease.deal_id)
    assert (run["number"], run["trigger"], run["status"], run["steps"]) == (2, "MANUAL", "QUEUED", ["fetch DONE 0"])


async def test_undo_withdraws_an_open_request(database: Database, context: OperationContext) -> None:
    """The run continues as if it had never been requested."""
    lease = await running_deal(database)
    await cancel(context, lease.deal_id)
    assert (await undo_cancel(context, lease.deal_id)).sentence == f"Run 1 of deal {lease.deal_id} continues."
    assert await one(database, "SELECT cancel_requested_at FROM pipeline_runs") is None


async def test_undo_is_refused_when_there_is_nothing_to_undo(database: Database, context: OperationContext) -> None:
    """Never cancelled, done before the worker saw it, or cancelled too long ago."""
    failed, queued = await failed_deal(database), await queued_deal(database)
    with pytest.raises(NothingToUndo, match="was cancelled"):
        await undo_cancel(context, failed.deal_id)
    with pytest.raises(AlreadyRunning):
        await undo_cancel(context, queued)
    faster = await running_deal(database)
    last = len(faster.stages) - 1
    for position in range(last):
        await finish_step(database, faster, position)
    await cancel(context, faster.deal_id)
    await finish_step(database, faster, last)
    with pytest.raises(NothingToUndo, match="had ended before: it is done"):
        await undo_cancel(context, faster.deal_id)
    await cancel(context, queued)
    await rows(database, LATER)
    with pytest.raises(NothingToUndo, match="more than 10 s ago"):
        await undo_cancel(context, queued)


@pytest.mark.parametrize("_round", range(5))
async def test_a_cancel_and_a_claim_at_once(database: Database, context: OperationContext, _round: int) -> None:
    """Either the run is cancelled and no worker holds it, or the worker holds it and is asked to stop."""
    deal_id = await queued_deal(database)
    claiming = run_store(database).claim(deal_id, worker=WORKER)
    lease, done = await asyncio.gather(claiming, cancel(context, deal_id))
    run = await last_run(database, deal_id)
    assert (run["status"], run["deal"]) == (("RUNNING", "RUNNING") if lease else ("CANCELLED", "CANCELLED"))
    assert ("asked to stop" in done.sentence) == (lease is not None)


@pytest.mark.parametrize("_round", range(5))
async def test_a_cancel_and_the_end_of_the_run_at_once(
    database: Database, context: OperationContext, _round: int
) -> None:
    """The run is done, never CANCELLED while its worker holds it, and the worker does not lose its lease."""
    lease = await running_deal(database)
    for position in range(len(lease.stages) - 1):
        await finish_step(database, lease, position)
    ending = finish_step(database, lease, len(lease.stages) - 1)
    ended, cancelled = await asyncio.gather(ending, cancel(context, lease.deal_id), return_exceptions=True)
    assert not isinstance(ended, LeaseLost)
    assert isinstance(cancelled, OperationResult | NothingToCancel)
    run = await last_run(database, lease.deal_id)
    assert (run["status"], run["deal"]) == (RunStatus.DONE, RunStatus.DONE)
