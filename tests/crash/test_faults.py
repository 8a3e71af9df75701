"""Faults of a running system: the runs end as they would without the fault."""

import os
import signal

from tests.crash.crash_environment import CrashEnvironment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, repeated_calls, wait_until_all_done
from tests.crash.queued_deals import cut_connections, duplicate_jobs, queue_deals
from tests.crash.reaper_thread import ReaperCounts
from tests.crash.supervisor import supervised

LONG_STAGE_SECONDS = 0.15
STARTED = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"
DEALS = "SELECT id FROM deals"


def _wait_for_the_second_stage(environment: CrashEnvironment) -> None:
    environment.until(lambda: environment.rows(STARTED), seconds=20, what="the second stage")


def _assert_unharmed(environment: CrashEnvironment) -> None:
    wait_until_all_done(environment)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)


def test_twenty_copies_of_a_job_run_the_deal_once(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """Two workers fetch them; every copy but one finds nothing to claim."""
    duplicate_jobs(environment.database_url, [row["id"] for row in environment.rows(DEALS)], copies=20)
    for name in ("one@crash", "two@crash"):
        environment.start(name=name, stage_seconds=0.02)
    _assert_unharmed(environment)
    assert repeated_calls(environment) == 0
    assert environment.rows("SELECT claims FROM pipeline_runs") == [{"claims": 1}]


def test_cutting_all_connections_repeats_a_stage_at_most_once(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """In the middle of a stage: it continues or is repeated, and its effect is not applied twice."""
    # A worker that is just fetching a job exits when its connection is cut.
    with supervised(environment, stage_seconds=LONG_STAGE_SECONDS):
        _wait_for_the_second_stage(environment)
        assert cut_connections(environment.database_url) > 1
        _assert_unharmed(environment)
    assert repeated_calls(environment) <= 1


def test_twenty_runs_of_a_dead_worker_are_all_resumed(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """The next start of the same worker requeues them."""
    queue_deals(environment.database_url, 19)
    dying = environment.start(concurrency=20, stage_seconds=0.3)
    in_flight = "SELECT 1 FROM pipeline_runs WHERE status = 'RUNNING' HAVING count(*) = 20"
    environment.until(lambda: environment.rows(in_flight), seconds=20, what="twenty runs in flight")
    dying.kill()
    dying.join(10)
    environment.start(concurrency=20)
    _assert_unharmed(environment)
    lost = "SELECT count(*) AS n FROM step_attempts WHERE error_type = 'WorkerLost'"
    assert 1 <= environment.rows(lost)[0]["n"] <= 20


def test_a_stage_that_times_out_is_retried(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """The time-out is stored as the error of the attempt, and the deal waits for the next one."""
    slow = environment.start(stage_seconds=5, stage_timeout_seconds=0.3)
    timed_out = "SELECT 1 FROM step_attempts WHERE error_type = 'TimeoutError'"
    environment.until(lambda: environment.rows(timed_out), seconds=20, what="the time-out")
    slow.kill()
    slow.join(10)
    environment.start()
    _assert_unharmed(environment)


def test_a_stage_that_blocks_the_event_loop_ends_its_process(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """The watchdog's thread exits with code 70, and another process resumes the run."""
    blocked = environment.start(blocking_stage="validate", watchdog_seconds=1.0)
    blocked.join(20)
    assert blocked.exitcode == 70, environment.log_tail()
    environment.start()
    _assert_unharmed(environment)


def test_a_worker_with_a_wrong_clock_changes_nothing(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """Leases use the database's clock: one worker is a day behind, one a day ahead."""
    queue_deals(environment.database_url, 9)
    environment.start_and_wait(name="behind@crash", clock_offset_hours=-24, stage_seconds=0.05)
    environment.start_and_wait(name="ahead@crash", clock_offset_hours=24, stage_seconds=0.05)
    _assert_unharmed(environment)
    assert (repeated_calls(environment), reaper.reaped) == (0, 0)


def test_a_deploy_in_the_middle_of_a_stage_repeats_no_call(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """SIGTERM: the stage ends, the run is requeued, and the next worker continues with the next stage."""
    old = environment.start_and_wait(stage_seconds=LONG_STAGE_SECONDS)
    _wait_for_the_second_stage(environment)
    os.kill(old.pid or 0, signal.SIGTERM)
    old.join(10)
    assert old.exitcode == 0
    assert environment.rows("SELECT status FROM pipeline_runs") == [{"status": "QUEUED"}]
    environment.start()
    _assert_unharmed(environment)
    assert repeated_calls(environment) == 0


def test_of_two_workers_that_claim_a_run_one_gets_it(environment: CrashEnvironment, reaper: ReaperCounts) -> None:
    """The first claim wins; the other worker does nothing, and both continue with other deals."""
    environment.start_and_wait(name="one@crash")
    environment.start_and_wait(name="two@crash")
    for _ in range(10):
        queue_deals(environment.database_url, 2)
        duplicate_jobs(
            environment.database_url, [row["id"] for row in environment.rows(f"{DEALS} WHERE status = 'QUEUED'")], 2
        )
    _assert_unharmed(environment)
    assert repeated_calls(environment) == 0


def test_a_worker_whose_log_pipe_is_broken_processes_its_runs(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """supervisord was killed: no line of the log can be written, and each stage runs once; no crash is counted."""
    queue_deals(environment.database_url, 5)
    environment.start(breaks_log=True, fail_once="score")
    _assert_unharmed(environment)
    assert (repeated_calls(environment), reaper.reaped) == (1, 0)
    assert environment.rows("SELECT count(*) AS n FROM run_crashes") == [{"n": 0}]
