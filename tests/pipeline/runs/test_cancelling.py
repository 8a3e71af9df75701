"""Cancels a run at once while it waits, and by its worker while it runs."""

import pytest

from core.database import Database
from models import RunStatus
from pipeline.runs.lease import CancelRequested, Lease
from pipeline.runs.transition import Transition
from tests.factories import finish_step, one, queued_deal, rows, run_store, running_deal

SHOWN = """
SELECT r.status, d.status AS deal, r.ended_at IS NOT NULL AS ended
FROM pipeline_runs r JOIN deals d ON d.id = r.deal_id WHERE d.id = :id
"""
JOBS = """
SELECT r.deal_id FROM procrastinate_jobs j JOIN pipeline_runs r ON r.job_id = j.id WHERE j.status = 'todo'
"""
REQUESTED = "SELECT cancel_requested_at IS NOT NULL FROM pipeline_runs"


async def cancel(database: Database, run_id: int) -> RunStatus:
    async with database.write() as session:
        return await run_store(database).cancel(session, run_id)


async def withdraw(database: Database, lease: Lease) -> None:
    async with database.write() as session:
        await run_store(database).withdraw(session, lease.run_id)


async def test_a_waiting_run_is_cancelled_with_its_steps_and_its_job(database: Database) -> None:
    """The deal shows it, and another deal's run and job stay."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    await run_store(database).leave(lease, Transition(status=RunStatus.QUEUED))
    other = await queued_deal(database)
    await rows(database, "UPDATE steps SET status = 'PENDING' WHERE status = 'RUNNING' RETURNING run_id")
    assert await cancel(database, lease.run_id) is RunStatus.CANCELLED
    assert await rows(database, SHOWN, id=lease.deal_id) == [
        {"status": "CANCELLED", "deal": "CANCELLED", "ended": True}
    ]
    assert [row["status"] for row in await rows(database, "SELECT status FROM steps ORDER BY position")] == [
        "DONE", "CANCELLED"
    ]  # fmt: skip
    assert await rows(database, JOBS) == [{"deal_id": other}]


async def test_a_running_run_is_cancelled_by_its_worker(database: Database) -> None:
    """The request changes neither status nor lease; the worker's next transition ends the run."""
    lease = await running_deal(database)
    assert await cancel(database, lease.run_id) is RunStatus.RUNNING
    assert await one(database, REQUESTED)
    assert await one(database, "SELECT lease_until > now() FROM pipeline_runs")
    with pytest.raises(CancelRequested):
        await run_store(database).check(lease)
    await finish_step(database, lease, 0)
    assert await one(database, "SELECT status FROM pipeline_runs") == "CANCELLED"
    assert await one(database, "SELECT status FROM deals") == "CANCELLED"


async def test_a_withdrawn_request_does_not_stop_the_run(database: Database) -> None:
    """Its worker continues as if the cancellation had never been requested."""
    lease = await running_deal(database)
    await cancel(database, lease.run_id)
    await withdraw(database, lease)
    await run_store(database).check(lease)
    await finish_step(database, lease, 0)
    assert await one(database, "SELECT status FROM pipeline_runs") == "RUNNING"


async def test_the_request_of_an_ended_run_cannot_be_withdrawn(database: Database) -> None:
    """The row keeps why the run ended."""
    lease = await running_deal(database)
    await cancel(database, lease.run_id)
    await finish_step(database, lease, 0)
    await withdraw(database, lease)
    assert await one(database, REQUESTED)
