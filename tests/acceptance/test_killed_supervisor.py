"""supervisord is killed while runs are in flight: everything ends by itself, and the next start finishes the work."""

import time

import pytest

from tests.acceptance.final_state import assert_each_deal_was_processed_once, number_done
from tests.installation import installation, until

DEALS = 80
SETTINGS = {"SANDBOX_LIVELY": "false", "SYNC_INTERVAL_SECONDS": "1", "BACKFILL_PROCESS": "all"}
IN_FLIGHT = "SELECT 1 FROM pipeline_runs WHERE status = 'RUNNING' HAVING count(*) >= 3"
LOST = """
SELECT (SELECT count(*) FROM step_attempts WHERE error_type IS NOT NULL) AS attempts,
    (SELECT count(*) FROM run_crashes) AS crashes, (SELECT coalesce(sum(crashes), 0) FROM pipeline_runs) AS counted
"""


@pytest.mark.timeout(180)
def test_a_killed_supervisord_leaves_no_process_and_no_work_behind() -> None:
    """No worker is killed with a run, no step is repeated, PostgreSQL shuts down; the next start needs no help."""
    with installation(SANDBOX_DEALS=str(DEALS), **SETTINGS) as running:
        until(lambda: running.rows(IN_FLIGHT), seconds=60, what="runs in flight")
        running.kill_supervisor()
        began = time.monotonic()
        until(lambda: not running.processes(), seconds=15, what="the end of all processes")
        print(f"all processes ended {time.monotonic() - began:.1f} s after supervisord")
        assert not (running.folder / "data" / "postgres" / "postmaster.pid").exists(), "PostgreSQL was killed"
        running.start()
        until(lambda: number_done(running) == DEALS, seconds=60, what="the end of all runs")
        assert_each_deal_was_processed_once(running)
        assert running.rows(LOST) == [{"attempts": 0, "crashes": 0, "counted": 0}]
