"""The network between a worker and the database falls silent: no error comes, and no answer."""

from core.watchdog import EXIT_STUCK
from tests.crash.crash_environment import CrashEnvironment
from tests.crash.final_state import (
    assert_each_effect_once,
    assert_each_stage_once,
    repeated_calls,
    steps_done_twice,
    wait_until_all_done,
)
from tests.crash.reaper_thread import ReaperCounts
from tests.crash.silent_proxy import proxied

# In the statement that ends the second stage and begins the third: it is in transit when the network falls silent.
SILENT_FROM = b"associate"
# Longer than it takes for the lease to expire and another worker to start.
WATCHDOG_SECONDS = 5.0
TAKEN_OVER = "SELECT 1 FROM pipeline_runs WHERE worker = 'other@crash'"
CUT_OFF_CONNECTIONS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'deal-queue cut-off@crash'"
ATTEMPTS = "SELECT worker, error_type FROM step_attempts WHERE position = 1 ORDER BY attempt"


def _cut_off(environment: CrashEnvironment, *, fenced: bool) -> None:
    """A worker behind a silent network: another ends its run, then the last statement of the first worker arrives."""
    with proxied(environment.database_url, silent_from=SILENT_FROM) as network:
        options = {"stage_seconds": 0.1, "fenced": fenced}
        silenced = environment.start_and_wait(
            name="cut-off@crash",
            database_url=network.database_url,
            watchdog_seconds=WATCHDOG_SECONDS,
            **options,
        )
        environment.until(lambda: network.is_silent, seconds=20, what="the silence of the network")
        environment.start_and_wait(name="other@crash", **options)
        environment.until(lambda: environment.rows(TAKEN_OVER), seconds=20, what="the other worker's claim")
        assert silenced.exitcode is None, "the run must be requeued while its worker is alive"
        silenced.join(20)
        assert silenced.exitcode == EXIT_STUCK, environment.log_tail()
        wait_until_all_done(environment)
        assert environment.rows(CUT_OFF_CONNECTIONS), "no connection is left that could deliver a late statement"
        network.resume()
        environment.until(
            lambda: not environment.rows(CUT_OFF_CONNECTIONS), seconds=10, what="the end of its connections"
        )


def test_a_run_behind_a_silent_network_moves_and_its_late_write_has_no_effect(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """The run is requeued when its lease has expired; the cut-off process exits; its late statement changes nothing."""
    _cut_off(environment, fenced=True)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)
    assert (steps_done_twice(environment), repeated_calls(environment)) == (0, 1)
    assert environment.rows(ATTEMPTS) == [
        {"worker": "cut-off@crash", "error_type": "WorkerLost"},
        {"worker": "other@crash", "error_type": None},
    ]


def test_without_the_fence_a_late_write_takes_effect(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """It moves a run that was DONE back to its third stage."""
    _cut_off(environment, fenced=False)
    assert environment.rows("SELECT r.status, d.current_stage FROM pipeline_runs r, deals d") == [
        {"status": "RUNNING", "current_stage": "associate"}
    ]
