"""The control of the proofs: without the fence the same harness must see a step done twice, or it sees nothing."""

import pytest

from tests.crash.crash_environment import Ground, freeze, thaw
from tests.crash.final_state import at_rest, double_steps, each_stage_once, repeated_calls
from tests.crash.reaper_thread import Rescued

STAGE_SECONDS = 0.3
RUNNING = "SELECT 1 FROM steps s JOIN pipeline_runs r ON r.id = s.run_id WHERE s.status = 'RUNNING'"


def _frozen_past_its_lease(ground: Ground, *, fenced: bool) -> None:
    """One worker is frozen in the second stage; it wakes while another is at the fourth; both end in their own time."""
    options = {"stage_seconds": STAGE_SECONDS, "fenced": fenced, "watchdog_seconds": 60.0}
    zombie = ground.started(name="zombie@crash", **options)
    ground.until(lambda: ground.rows(f"{RUNNING} AND s.position = 1"), seconds=20, what="the second stage")
    freeze(zombie)
    ground.started(name="other@crash", **options)
    taken_over = f"{RUNNING} AND s.position = 3 AND r.worker = 'other@crash'"
    ground.until(lambda: ground.rows(taken_over), seconds=20, what="the other's fourth stage")
    thaw(zombie)
    at_rest(ground, seconds=30)


@pytest.fixture
def reaped(rescued: Rescued) -> Rescued:
    return rescued


def test_a_frozen_worker_that_resumes_writes_nothing_to_a_run_that_was_requeued(
    ground: Ground, reaped: Rescued
) -> None:
    """Its run is another's now: no step twice, one outside call more, under the same key."""
    _frozen_past_its_lease(ground, fenced=True)
    ground.until(lambda: "run.lease_lost" in ground.tail(), seconds=5, what="the zombie's word that it stopped")
    each_stage_once(ground)
    assert double_steps(ground) == 0
    assert repeated_calls(ground) == 1
    assert reaped.reaped == 1


def test_without_the_fence_a_step_is_done_twice(ground: Ground, reaped: Rescued) -> None:
    """The same, but an advance asks for no epoch: if this counts nothing, the tests above prove nothing."""
    _frozen_past_its_lease(ground, fenced=False)
    ends = ground.until(lambda: double_steps(ground), seconds=10, what="a step that was done twice")
    assert ends >= 1
