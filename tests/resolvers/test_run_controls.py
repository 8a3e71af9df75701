"""The pause of the queue and the cancel request of a run, as stored by the operations."""

from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel
from pipeline.operations.pause import pause, resume
from resolvers.run_controls import RunControls, run_controls
from tests import factories
from tests.factories import one


async def run_of(database: Database, deal_id: int) -> int:
    return int(await one(database, "SELECT latest_run_id FROM deals WHERE id = :id", id=deal_id))


async def test_without_a_request_there_is_none(database: Database) -> None:
    run_id = await run_of(database, await factories.queued_deal(database))
    assert await run_controls(database, run_id) == RunControls(None, None, None, is_due=False)


async def test_a_pause_is_reported_until_the_resume(database: Database, context: OperationContext) -> None:
    """With the name of its requester."""
    run_id = await run_of(database, await factories.queued_deal(database))
    await pause(context)
    paused = await run_controls(database, run_id)
    assert paused.paused_at is not None
    assert paused.paused_by == "cli:ada"
    await resume(context)
    assert (await run_controls(database, run_id)).paused_at is None


async def test_a_cancel_is_reported_while_the_run_is_running(database: Database, context: OperationContext) -> None:
    """When its worker has ended it, there is no request any more."""
    lease = await factories.running_deal(database)
    await cancel(context, lease.deal_id)
    assert (await run_controls(database, lease.run_id)).cancel_requested_at is not None
    await factories.finish_step(database, lease, 0)
    assert (await run_controls(database, lease.run_id)).cancel_requested_at is None


async def test_a_retrying_run_is_due_when_its_time_has_come(database: Database) -> None:
    """By the database's clock."""
    run_id = await run_of(database, await factories.insert_retrying_deal(database))
    for offset, is_due in (("- interval '1 second'", True), ("+ interval '1 hour'", False)):
        await database.run(text(f"UPDATE pipeline_runs SET next_attempt_at = clock_timestamp() {offset}"))
        assert (await run_controls(database, run_id)).is_due is is_due
