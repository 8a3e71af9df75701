"""What follows from a deal's state: its current step, and the number of its next attempt."""

import pytest

from models import RunStatus, RunTrigger, StepStatus
from resolvers.deal_state import StateWord
from resolvers.rows import DealState, RunRow, StepRow
from tests.factories import MOMENT


def state(word: StateWord, current_stage: str | None) -> DealState:
    """Of a run whose second stage has been attempted twice."""
    steps = [
        StepRow(1, "fetch", "Fetch", StepStatus.DONE, MOMENT, MOMENT, 1),
        StepRow(1, "validate", "Validate", StepStatus.FAILED, MOMENT, MOMENT, 2),
        StepRow(1, "associate", "Associate", StepStatus.PENDING, None, None, 0),
    ]
    run = RunRow(1, 1, RunTrigger.NEW, RunStatus.RETRYING, None, MOMENT, MOMENT, None, MOMENT, steps)
    return DealState(RunStatus.RETRYING, None, current_stage, run, word)


def test_the_next_attempt_follows_the_attempts_of_the_current_stage() -> None:
    """The stage has been attempted twice."""
    retrying = state(StateWord.RETRYING, "validate")
    assert retrying.last_step is retrying.steps[1]
    assert retrying.next_attempt == 3


@pytest.mark.parametrize("word", sorted(set(StateWord) - {StateWord.RETRYING}))
def test_only_a_retrying_deal_has_a_next_attempt(word: StateWord) -> None:
    """Another one waits for no attempt."""
    assert state(word, "validate").next_attempt is None


def test_a_deal_without_a_run_has_no_steps() -> None:
    """And so no current one; neither has a run whose stage this release does not know."""
    without_run = DealState(RunStatus.QUEUED, None, None, None, StateWord.WAITING)
    assert (without_run.steps, without_run.last_step, without_run.next_attempt) == ([], None, None)
    assert state(StateWord.RETRYING, "unknown").last_step is None
