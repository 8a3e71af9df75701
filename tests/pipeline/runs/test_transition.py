"""The statement that writes a transition: its parameters, and what its rows mean."""

import pytest

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.lease import Lease, LeaseLost
from pipeline.runs.transition import (
    ERROR_CHARACTERS,
    MOVE,
    TRACEBACK_CHARACTERS,
    StepEnd,
    Transition,
    move_values,
    moved,
)
from tests.factories import finish_step, rows, run_store, running_deal

LEASE = Lease(run_id=1, deal_id=2, hubspot_deal_id="3", epoch=4, priority=10, stages=("one", "two"))


def test_an_error_that_is_stored_is_limited_and_has_no_nul_character() -> None:
    """PostgreSQL cannot store one: storing an error must not cause another error."""
    end = StepEnd(0, StepStatus.FAILED, error_message="\0" + "x" * 10_000, traceback="y" * 100_000)
    values = move_values(LEASE, Transition(status=RunStatus.FAILED, end=end), 12.0)
    assert values["error_message"] == "\ufffd" + "x" * (ERROR_CHARACTERS - 1)
    assert values["traceback"] == "y" * TRACEBACK_CHARACTERS


def test_every_parameter_of_the_statement_has_a_value() -> None:
    """Whatever the transition leaves out."""
    assert set(move_values(LEASE, Transition(begin=1), 12.0)) == set(MOVE.names)
    assert move_values(LEASE, Transition(begin=1), 12.0)["begin_stage"] == "two"


def test_no_row_means_that_the_lease_is_lost() -> None:
    """The epoch has moved, or the run has ended."""
    with pytest.raises(LeaseLost, match="Run 1 was taken over"):
        moved(LEASE, Transition(status=RunStatus.DONE), [])


async def test_a_stage_that_is_done_is_not_begun_again(database: Database) -> None:
    """The step keeps its output, and has no second attempt."""
    lease = await running_deal(database)
    await finish_step(database, lease, 0)
    steps = await rows(database, "SELECT * FROM steps WHERE position = 0")
    with pytest.raises(LeaseLost, match=rf"Stage fetch of run {lease.run_id} is DONE already"):
        await run_store(database).move(lease, Transition(begin=0))
    assert await rows(database, "SELECT * FROM steps WHERE position = 0") == steps


@pytest.mark.parametrize("status", [RunStatus.DONE, RunStatus.FAILED, RunStatus.SKIPPED])
async def test_a_run_that_ends_leaves_no_open_step_or_attempt(database: Database, status: RunStatus) -> None:
    """Also those that the transition does not name."""
    lease = await running_deal(database)
    await run_store(database).move(lease, Transition(status=status))
    assert await rows(database, "SELECT status, ended_at IS NOT NULL AS ended FROM steps") == [
        {"status": status, "ended": True}
    ]
    assert await rows(database, "SELECT ended_at IS NOT NULL AS ended FROM step_attempts") == [{"ended": True}]
