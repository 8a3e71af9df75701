"""Stages that kill their worker, or keep it from stopping: only the run that causes it fails."""

import os
import signal
from multiprocessing.context import ForkServerProcess

import pytest

from models.conditions import MOST_CRASHES, QUARANTINE_CRASHES
from tests.crash.crash_environment import CrashEnvironment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, repeated_calls, wait_until_all_done
from tests.crash.planned_stages import CANCEL_IGNORED
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import ReaperCounts
from tests.crash.supervisor import supervised

OTHER_DEALS = 11
STARTED = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"
# How often each run is suspected of a crash.
SUSPICIONS = """
SELECT r.deal_id, count(*) AS n FROM run_crashes c JOIN pipeline_runs r ON r.id = c.run_id GROUP BY r.deal_id
"""
ALL_ENDED = "SELECT 1 FROM deals HAVING bool_and(status IN ('DONE', 'FAILED'))"


def test_a_deal_that_kills_its_worker_is_the_only_one_that_fails(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """SIGKILL in its stage, five times; a run that is suspected twice is no longer processed beside others."""
    queue_deals(environment.database_url, OTHER_DEALS)
    crashing_deal = int(environment.rows("SELECT min(id) AS id FROM deals")[0]["id"])
    with supervised(
        environment, crashing_deal=crashing_deal, concurrency=1 + OTHER_DEALS, stage_seconds=0.1
    ) as exit_codes:
        environment.until(lambda: environment.rows(ALL_ENDED), seconds=60, what="the end of all runs")
        assert exit_codes == [-signal.SIGKILL] * MOST_CRASHES
    assert environment.rows("SELECT deal_id, reason, crashes FROM pipeline_runs WHERE status <> 'DONE'") == [
        {"deal_id": crashing_deal, "reason": "CRASHED", "crashes": MOST_CRASHES}
    ]
    messages = environment.rows("SELECT error_message FROM steps WHERE status = 'FAILED'")
    assert messages == [{"error_message": f"Its worker died {MOST_CRASHES} times while it ran."}]
    suspicions = {row["deal_id"]: row["n"] for row in environment.rows(SUSPICIONS)}
    assert suspicions.pop(crashing_deal) == MOST_CRASHES
    assert suspicions, "no other run was in progress, so that nothing is proven"
    assert max(suspicions.values()) <= QUARANTINE_CRASHES
    assert_each_effect_once(environment)


@pytest.mark.parametrize("fault", ["uncancellable_stage", "blocking_stage"])
def test_the_run_of_a_worker_that_ignores_sigterm_resumes_after_sigkill(
    environment: CrashEnvironment, reaper: ReaperCounts, fault: str
) -> None:
    """A stage ignores its cancellation, another blocks the event loop: only SIGKILL ends the process."""
    worker = environment.start_and_wait(**{fault: "validate"}, grace_seconds=0.2, watchdog_seconds=60.0)
    environment.until(lambda: environment.rows(STARTED), seconds=20, what="the second stage")
    _assert_sigterm_ignored(environment, worker, cancels=fault == "uncancellable_stage")
    worker.kill()
    worker.join(10)
    environment.start()
    wait_until_all_done(environment)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)
    assert repeated_calls(environment) == 1
    assert environment.rows("SELECT stage, attempts FROM steps WHERE attempts > 1") == [
        {"stage": "validate", "attempts": 2}
    ]


def _assert_sigterm_ignored(environment: CrashEnvironment, process: ForkServerProcess, *, cancels: bool) -> None:
    """The process receives SIGTERM and continues."""
    os.kill(process.pid or 0, signal.SIGTERM)
    if cancels:
        environment.until(
            lambda: CANCEL_IGNORED in environment.log_tail(), seconds=10, what="a cancellation that is ignored"
        )
    process.join(0.5)
    assert process.exitcode is None, environment.log_tail()
