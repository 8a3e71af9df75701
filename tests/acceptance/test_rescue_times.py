"""How soon the runs of a worker that ends are resumed, with the real processes and default settings."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.final_state import assert_each_deal_was_processed_once, number_done
from tests.installation import Installation, installation, until

DEALS = 40
IN_FLIGHT = """
SELECT r.id, r.epoch FROM pipeline_runs r JOIN steps s ON s.run_id = r.id AND s.status = 'RUNNING'
WHERE r.status = 'RUNNING' AND r.worker LIKE '{worker}%'
"""
CRASHES = """
SELECT (SELECT count(*) FROM step_attempts WHERE error_type = 'WorkerLost') AS attempts,
    (SELECT count(*) FROM run_crashes) AS crashes
"""
SETTINGS = {"SANDBOX_LIVELY": "false", "SYNC_INTERVAL_SECONDS": "1", "BACKFILL_PROCESS": "all"}


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    with installation(SANDBOX_DEALS=str(DEALS), **SETTINGS) as ready:
        _wait_for_all(ready)
        yield ready


@pytest.mark.timeout(180)
def test_a_deploy_in_the_middle_of_a_run_loses_nothing(running: Installation) -> None:
    """SIGTERM in the middle of a stage: the worker drains, its runs resume elsewhere, no heartbeat was missed."""
    crashes = running.rows(CRASHES)
    with running.second("pipeline", WORKER_NAME="drained") as worker:
        assert _freeze_with_work(running, worker.pid, "drained")
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGCONT)
        assert worker.wait(28) == 0
    _wait_for_all(running)
    assert_each_deal_was_processed_once(running)
    assert running.rows(CRASHES) == crashes
    assert running.rows("SELECT stopped_at IS NOT NULL AS stopped FROM workers WHERE name = 'drained'") == [
        {"stopped": True}
    ]


@pytest.mark.timeout(300)
def test_runs_of_a_dead_worker_resume_within_18_seconds(running: Installation) -> None:
    """The lease expires and the reaper requeues the runs."""
    with running.second("pipeline", WORKER_NAME="killed") as worker:
        lost = _freeze_with_work(running, worker.pid, "killed")
        worker.kill()
        assert _seconds_until_resumed(running, lost, "dead") < 18
    _wait_for_all(running)
    assert_each_deal_was_processed_once(running)


@pytest.mark.timeout(300)
def test_runs_of_a_restarted_worker_resume_within_3_seconds(running: Installation) -> None:
    """supervisord restarts it under the same name."""
    running.create_deals(100)
    pid = running.pid_of("pipeline")
    lost = _freeze_in_flight(running, pid, "worker@")
    os.kill(pid, signal.SIGKILL)
    assert _seconds_until_resumed(running, lost, "restarted") < 3
    _wait_for_all(running)
    assert_each_deal_was_processed_once(running)


def _wait_for_all(running: Installation) -> None:
    """For the end of the runs of all deals that HubSpot has now."""
    deals = len(running.truth())
    until(lambda: number_done(running) == deals, seconds=60, what="the end of all runs")


def _freeze_with_work(running: Installation, pid: int, worker: str) -> list[dict[str, Any]]:
    """New deals, which only this second worker can process until it is frozen; returns its runs in flight."""
    ready = f"SELECT 1 FROM workers WHERE name = '{worker}'"
    until(lambda: running.rows(ready), seconds=30, what="the start of the second worker")
    with running.frozen("pipeline"):
        running.create_deals(100)
        return _freeze_in_flight(running, pid, worker)


def _freeze_in_flight(running: Installation, pid: int, worker: str) -> list[dict[str, Any]]:
    """Freeze the worker while it has runs in flight; returns those runs."""

    def caught() -> list[dict[str, Any]]:
        os.kill(pid, signal.SIGSTOP)
        if found := running.rows(IN_FLIGHT.format(worker=worker)):
            return found
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
        return []

    return until(caught, seconds=60, what="a run in flight")


def _seconds_until_resumed(running: Installation, lost: list[dict[str, Any]], how: str) -> float:
    began = time.monotonic()
    claims = " + ".join(f"(id = {run['id']} AND epoch > {run['epoch'] + 1})::int" for run in lost)
    resumed = f"SELECT 1 FROM pipeline_runs HAVING sum({claims}) = {len(lost)}"
    until(lambda: running.rows(resumed), seconds=60, what="a new claim of each run")
    seconds = time.monotonic() - began
    print(f"{how}: {len(lost)} runs resumed after {seconds:.1f} s")
    return seconds
