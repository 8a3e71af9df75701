"""Moves a run from step to step: one statement, fenced by the epoch."""

import pytest

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from pipeline.runs.lease import LeaseLost
from pipeline.runs.transition import StepEnd, Transition
from tests.factories import STAGES, WORKER, done_deal, expire, finish_step, one, rows, run_store, running_deal


async def test_a_worker_that_lost_its_lease_writes_nothing(database: Database) -> None:
    """Its transition does not touch the run, its steps, their attempts or the deal."""
    lost = await running_deal(database)
    await expire(database, lost)
    other = await run_store(database).claim(lost.deal_id, worker="other")
    assert other is not None
    await run_store(database).move(other, Transition(begin=0))
    before = await _everything(database)
    with pytest.raises(LeaseLost):
        await finish_step(database, lost, 0)
    with pytest.raises(LeaseLost):
        await run_store(database).renew(lost)
    assert await _everything(database) == before


async def _everything(database: Database) -> list[dict[str, object]]:
    return await rows(
        database,
        """SELECT (SELECT jsonb_agg(to_jsonb(d)) FROM deals d) AS deals, (SELECT jsonb_agg(to_jsonb(r))
           FROM pipeline_runs r) AS runs, (SELECT jsonb_agg(to_jsonb(s)) FROM steps s) AS steps,
           (SELECT jsonb_agg(to_jsonb(a)) FROM step_attempts a) AS attempts""",
    )


async def test_a_run_through_all_stages_is_done(database: Database) -> None:
    """Every step is DONE with its output, in order; so are the run and the deal."""
    await done_deal(database)
    steps = await rows(database, "SELECT stage, status, attempts, output, ended_at FROM steps ORDER BY position")
    assert [step["stage"] for step in steps] == list(STAGES)
    assert all(step["status"] == "DONE" and step["attempts"] == 1 and step["ended_at"] for step in steps)
    run = (await rows(database, "SELECT status, lease_until, ended_at FROM pipeline_runs"))[0]
    assert (run["status"], run["lease_until"]) == ("DONE", None)
    assert run["ended_at"] is not None
    assert await rows(database, "SELECT status, current_stage FROM deals") == [
        {"status": "DONE", "current_stage": "write_back"}
    ]


async def test_an_attempt_that_failed_is_kept_beside_the_next(database: Database) -> None:
    """The step shows the current attempt; step_attempts has all of them."""
    lease = await running_deal(database)
    end = StepEnd(0, StepStatus.FAILED, error_type="ServerError", error_message="502\0", traceback="Traceback")
    to = Transition(status=RunStatus.RETRYING, end=end, delay_seconds=0)
    moved = await run_store(database).move(lease, to)
    assert moved.next_attempt_at is not None
    again = await run_store(database).claim(lease.deal_id, worker=WORKER)
    assert again is not None
    begun = await run_store(database).move(again, Transition(begin=0))
    assert begun.attempt == 2
    attempts = await rows(
        database, "SELECT attempt, error_type, ended_at IS NULL AS runs FROM step_attempts ORDER BY 1"
    )
    assert attempts == [
        {"attempt": 1, "error_type": "ServerError", "runs": False},
        {"attempt": 2, "error_type": None, "runs": True},
    ]


async def test_a_skipped_run_has_a_reason(database: Database) -> None:
    """The run of a deal that is archived in HubSpot ends as SKIPPED with that reason; its step is SKIPPED as well."""
    lease = await running_deal(database)
    end = StepEnd(0, StepStatus.SKIPPED, error_message="Archived in HubSpot.")
    to = Transition(status=RunStatus.SKIPPED, reason=RunReason.ARCHIVED, end=end)
    await run_store(database).move(lease, to)
    assert await rows(database, "SELECT status, reason FROM pipeline_runs") == [
        {"status": "SKIPPED", "reason": "ARCHIVED"}
    ]
    assert await one(database, "SELECT status FROM deals") == "SKIPPED"
