"""Faults of a running system, each by its number in docs/faults.md: the same end as without any."""

import os
import signal

from tests.crash.crash_environment import Ground
from tests.crash.final_state import at_rest, each_effect_once, each_stage_once, repeated_calls
from tests.crash.queued_deals import backends_cut, queue_deals, repeat_jobs
from tests.crash.reaper_thread import Rescued
from tests.crash.supervisor import supervised

LONG = 0.15
STARTED = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"
DEALS = "SELECT id FROM deals"


def _in_the_second_stage(ground: Ground) -> None:
    ground.until(lambda: ground.rows(STARTED), seconds=20, what="the second stage")


def _unharmed(ground: Ground) -> None:
    at_rest(ground)
    each_stage_once(ground)
    each_effect_once(ground)


def test_twenty_copies_of_a_job_run_the_deal_once(ground: Ground, rescued: Rescued) -> None:
    """Two workers race for them; each copy but one finds nothing to claim."""
    repeat_jobs(ground.database_url, [row["id"] for row in ground.rows(DEALS)], copies=20)
    for name in ("one@crash", "two@crash"):
        ground.start(name=name, stage_seconds=0.02)
    _unharmed(ground)
    assert repeated_calls(ground) == 0
    assert ground.rows("SELECT claims FROM pipeline_runs") == [{"claims": 1}]


def test_cutting_all_connections_repeats_a_stage_at_most_once(ground: Ground, rescued: Rescued) -> None:
    """In mid-stage; the stage goes on or is repeated, and its effect is not made twice."""
    # A worker that was just asking for a job ends with its connection.
    with supervised(ground, stage_seconds=LONG):
        _in_the_second_stage(ground)
        assert backends_cut(ground.database_url) > 1
        _unharmed(ground)
    assert repeated_calls(ground) <= 1


def test_twenty_runs_of_a_dead_worker_are_all_resumed(ground: Ground, rescued: Rescued) -> None:
    """All of them are resumed by the same worker's next start."""
    queue_deals(ground.database_url, 19)
    dying = ground.start(concurrency=20, stage_seconds=0.3)
    in_flight = "SELECT 1 FROM pipeline_runs WHERE status = 'RUNNING' HAVING count(*) = 20"
    ground.until(lambda: ground.rows(in_flight), seconds=20, what="twenty runs in flight")
    dying.kill()
    dying.join(10)
    ground.start(concurrency=20)
    _unharmed(ground)
    lost = "SELECT count(*) AS n FROM step_attempts WHERE error_type = 'WorkerLost'"
    assert 1 <= ground.rows(lost)[0]["n"] <= 20


def test_a_stage_that_times_out_is_retried(ground: Ground, rescued: Rescued) -> None:
    """With the time-out as its error; the deal waits for the next attempt."""
    slow = ground.start(stage_seconds=5, stage_timeout_seconds=0.3)
    timed_out = "SELECT 1 FROM step_attempts WHERE error_type = 'TimeoutError'"
    ground.until(lambda: ground.rows(timed_out), seconds=20, what="the time-out")
    slow.kill()
    slow.join(10)
    ground.start()
    _unharmed(ground)


def test_a_stage_that_blocks_the_event_loop_ends_its_process(ground: Ground, rescued: Rescued) -> None:
    """The watchdog's thread ends it with 70, and the run goes on elsewhere."""
    stuck = ground.start(blocking_stage="validate", watchdog_seconds=1.0)
    stuck.join(20)
    assert stuck.exitcode == 70, ground.tail()
    ground.start()
    _unharmed(ground)


def test_a_worker_with_a_wrong_clock_changes_nothing(ground: Ground, rescued: Rescued) -> None:
    """Leases are by the database's clock: one worker is a day behind, one a day ahead."""
    queue_deals(ground.database_url, 9)
    ground.started(name="behind@crash", clock_moved_hours=-24, stage_seconds=0.05)
    ground.started(name="ahead@crash", clock_moved_hours=24, stage_seconds=0.05)
    _unharmed(ground)
    assert (repeated_calls(ground), rescued.reaped) == (0, 0)


def test_a_deploy_in_the_middle_of_a_stage_repeats_no_call(ground: Ground, rescued: Rescued) -> None:
    """SIGTERM: the stage ends, the run is in the queue, and the next worker goes on behind it."""
    old = ground.started(stage_seconds=LONG)
    _in_the_second_stage(ground)
    os.kill(old.pid or 0, signal.SIGTERM)
    old.join(10)
    assert old.exitcode == 0
    assert ground.rows("SELECT status FROM pipeline_runs") == [{"status": "QUEUED"}]
    ground.start()
    _unharmed(ground)
    assert repeated_calls(ground) == 0


def test_of_two_workers_that_claim_a_run_one_gets_it(ground: Ground, rescued: Rescued) -> None:
    """Whoever is first has it; the other does nothing, and both go on with other deals."""
    ground.started(name="one@crash")
    ground.started(name="two@crash")
    for _ in range(10):
        queue_deals(ground.database_url, 2)
        repeat_jobs(ground.database_url, [row["id"] for row in ground.rows(f"{DEALS} WHERE status = 'QUEUED'")], 2)
    _unharmed(ground)
    assert repeated_calls(ground) == 0
