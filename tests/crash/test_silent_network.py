"""The network between a worker and the database falls silent: no error comes, and no answer."""

from core.watchdog import EXIT_STUCK
from tests.crash.crash_environment import Ground
from tests.crash.final_state import at_rest, double_steps, each_effect_once, each_stage_once, repeated_calls
from tests.crash.reaper_thread import Rescued
from tests.crash.silent_proxy import proxied

# The statement that ends the second stage begins the third: it is on its way when all falls silent.
LAST_WORD = b"associate"
# Longer than it takes for the lease to end and another worker to start.
WATCHDOG_SECONDS = 5.0
TAKEN_OVER = "SELECT 1 FROM pipeline_runs WHERE worker = 'other@crash'"
ITS_CONNECTIONS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'deal-queue cut-off@crash'"
ATTEMPTS = "SELECT worker, error_type FROM step_attempts WHERE position = 1 ORDER BY attempt"


def _cut_off(ground: Ground, *, fenced: bool) -> None:
    """A worker behind a silent network; another takes its run to the end, then what the first said last arrives."""
    with proxied(ground.database_url, last_word=LAST_WORD) as network:
        options = {"stage_seconds": 0.1, "fenced": fenced}
        way = network.database_url
        silenced = ground.started(name="cut-off@crash", database_url=way, watchdog_seconds=WATCHDOG_SECONDS, **options)
        ground.until(lambda: network.is_silent, seconds=20, what="the silence")
        ground.started(name="other@crash", **options)
        ground.until(lambda: ground.rows(TAKEN_OVER), seconds=20, what="the other worker's claim")
        assert silenced.exitcode is None, "the run was to move while its worker is alive"
        silenced.join(20)
        assert silenced.exitcode == EXIT_STUCK, ground.tail()
        at_rest(ground)
        assert ground.rows(ITS_CONNECTIONS), "nothing of it is left that could be heard late"
        network.speak()
        ground.until(lambda: not ground.rows(ITS_CONNECTIONS), seconds=10, what="the end of what it had said")


def test_a_run_behind_a_silent_network_moves_and_its_late_write_has_no_effect(ground: Ground, rescued: Rescued) -> None:
    """The run moves when its lease is over, the cut-off process ends, and what it said last is heard late and void."""
    _cut_off(ground, fenced=True)
    each_stage_once(ground)
    each_effect_once(ground)
    assert (double_steps(ground), repeated_calls(ground)) == (0, 1)
    assert ground.rows(ATTEMPTS) == [
        {"worker": "cut-off@crash", "error_type": "WorkerLost"},
        {"worker": "other@crash", "error_type": None},
    ]


def test_without_the_fence_a_late_write_takes_effect(ground: Ground, rescued: Rescued) -> None:
    """And has the run back in its third stage when it was DONE."""
    _cut_off(ground, fenced=False)
    assert ground.rows("SELECT r.status, d.current_stage FROM pipeline_runs r, deals d") == [
        {"status": "RUNNING", "current_stage": "associate"}
    ]
