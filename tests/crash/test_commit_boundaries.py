"""A worker killed at every commit boundary of a run, and started again: each stage once, each effect once."""

import pytest

from tests.crash.crash_environment import Ground
from tests.crash.final_state import at_rest, each_effect_once, each_stage_once, repeated_calls
from tests.crash.reaper_thread import Rescued
from tests.crash.worker_plan import POINTS, RENEW_POINT, RETRY_POINTS
from tests.factories import STAGES

LONG_STAGE_SECONDS = 0.5


def _killed_and_restarted(ground: Ground, **plan: object) -> None:
    killed = ground.start(**plan)
    killed.join(20)
    assert killed.exitcode == -9, f"it never came to the point\n{ground.tail()}"
    ground.start(**{**plan, "crash_at": None, "fail_once": None})
    at_rest(ground)
    each_stage_once(ground)
    each_effect_once(ground)


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_commit_boundary_repeats_at_most_one_call(
    ground: Ground, rescued: Rescued, point: str
) -> None:
    """The run resumes at its first unfinished stage; at most that stage's outside call is made again."""
    _killed_and_restarted(ground, crash_at=point)
    in_a_stage = point.startswith(("looked", "called", "begin:fetch:after")) or point.endswith(":inside")
    assert repeated_calls(ground) <= (1 if in_a_stage else 0)


@pytest.mark.parametrize("point", RETRY_POINTS)
def test_a_failed_stage_and_the_job_of_its_next_attempt_are_committed_together(
    ground: Ground, rescued: Rescued, point: str
) -> None:
    """A failed stage's end and the job for its next attempt are there together, or neither is."""
    _killed_and_restarted(ground, crash_at=point, fail_once="associate")
    assert repeated_calls(ground) == 1


def test_a_worker_killed_after_a_renewal_repeats_one_call(ground: Ground, rescued: Rescued) -> None:
    """In the middle of a long stage."""
    _killed_and_restarted(ground, crash_at=RENEW_POINT, stage_seconds=LONG_STAGE_SECONDS)
    assert repeated_calls(ground) == 1


def test_every_stage_has_crash_points() -> None:
    """A stage that is added has its own; 33 in all."""
    assert all(any(f":{stage}" in point for point in POINTS) for stage in STAGES)
    assert len(POINTS) + len(RETRY_POINTS) + 1 == 33
