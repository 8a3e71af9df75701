"""The fence of a run, and the control of all proofs: without the fence, a step must be counted as done twice."""

from tests.crash.crash_environment import CrashEnvironment, freeze, unfreeze
from tests.crash.final_state import assert_each_stage_once, repeated_calls, steps_done_twice, wait_until_all_done
from tests.crash.reaper_thread import ReaperCounts

STAGE_SECONDS = 0.3
RUNNING = "SELECT 1 FROM steps s JOIN pipeline_runs r ON r.id = s.run_id WHERE s.status = 'RUNNING'"


def _frozen_past_its_lease(environment: CrashEnvironment, *, fenced: bool) -> None:
    """One worker is frozen in the second stage and resumes while another runs the fourth; both continue."""
    options = {"stage_seconds": STAGE_SECONDS, "fenced": fenced, "watchdog_seconds": 60.0}
    frozen = environment.start_and_wait(name="frozen@crash", **options)
    environment.until(lambda: environment.rows(f"{RUNNING} AND s.position = 1"), seconds=20, what="the second stage")
    freeze(frozen)
    environment.start_and_wait(name="other@crash", **options)
    taken_over = f"{RUNNING} AND s.position = 3 AND r.worker = 'other@crash'"
    environment.until(lambda: environment.rows(taken_over), seconds=20, what="the fourth stage, by the other worker")
    unfreeze(frozen)
    wait_until_all_done(environment, seconds=30)


def test_a_frozen_worker_that_resumes_writes_nothing_to_a_run_that_was_requeued(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """Another worker holds the run: no step is done twice, and one outside call is repeated, under the same key."""
    _frozen_past_its_lease(environment, fenced=True)
    environment.until(
        lambda: "run.lease_lost" in environment.log_tail(), seconds=5, what="the log event of the lost lease"
    )
    assert_each_stage_once(environment)
    assert steps_done_twice(environment) == 0
    assert repeated_calls(environment) == 1
    assert reaper.reaped == 1


def test_without_the_fence_a_step_is_done_twice(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """The same, but a write does not check the epoch. If this test counted nothing, the others would prove nothing."""
    _frozen_past_its_lease(environment, fenced=False)
    ends = environment.until(lambda: steps_done_twice(environment), seconds=10, what="a step that was done twice")
    assert ends >= 1
