"""A worker is killed at every commit boundary of a run and restarted: each stage and each effect happens once."""

import pytest

from tests.crash.crash_environment import CrashEnvironment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, repeated_calls, wait_until_all_done
from tests.crash.reaper_thread import ReaperCounts
from tests.crash.worker_plan import POINTS, RENEW_POINT, RETRY_POINTS
from tests.factories import STAGES

LONG_STAGE_SECONDS = 0.5


def _killed_and_restarted(environment: CrashEnvironment, **plan: object) -> None:
    killed = environment.start(**plan)
    killed.join(20)
    assert killed.exitcode == -9, f"the worker did not reach the crash point\n{environment.log_tail()}"
    environment.start(**{**plan, "crash_at": None, "fail_once": None})
    wait_until_all_done(environment)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_commit_boundary_repeats_at_most_one_call(
    environment: CrashEnvironment, reaper: ReaperCounts, point: str
) -> None:
    """The run resumes at its first unfinished stage; at most that stage's outside call is repeated."""
    _killed_and_restarted(environment, crash_at=point)
    in_a_stage = point.startswith(("checked", "applied", "begin:fetch:after")) or point.endswith(":inside")
    assert repeated_calls(environment) <= (1 if in_a_stage else 0)


@pytest.mark.parametrize("point", RETRY_POINTS)
def test_a_failed_stage_and_the_job_of_its_next_attempt_are_committed_together(
    environment: CrashEnvironment, reaper: ReaperCounts, point: str
) -> None:
    """Killed around that commit, the worker leaves both or neither."""
    _killed_and_restarted(environment, crash_at=point, fail_once="associate")
    assert repeated_calls(environment) == 1


def test_a_worker_killed_after_a_renewal_repeats_one_call(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """In the middle of a long stage."""
    _killed_and_restarted(environment, crash_at=RENEW_POINT, stage_seconds=LONG_STAGE_SECONDS)
    assert repeated_calls(environment) == 1


def test_every_stage_has_crash_points() -> None:
    """A new stage needs its own points; there are 33 in all."""
    assert all(any(f":{stage}" in point for point in POINTS) for stage in STAGES)
    assert len(POINTS) + len(RETRY_POINTS) + 1 == 33
