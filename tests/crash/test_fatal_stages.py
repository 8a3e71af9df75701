"""Processes that die of their work, or do not end when they should: the run that is at fault fails, no other."""

import os
import signal
from multiprocessing.context import ForkServerProcess

import pytest

from models.conditions import MOST_CRASHES, QUARANTINE_CRASHES
from tests.crash.crash_environment import Ground
from tests.crash.final_state import at_rest, each_effect_once, each_stage_once, repeated_calls
from tests.crash.planned_stages import GOES_ON
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import Rescued
from tests.crash.supervisor import supervised

NEIGHBOURS = 11
STARTED = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"
# How often a run was under way when its worker died.
ACCUSED = """
SELECT r.deal_id, count(*) AS n FROM run_crashes c JOIN pipeline_runs r ON r.id = c.run_id GROUP BY r.deal_id
"""
ALL_ENDED = "SELECT 1 FROM deals HAVING bool_and(status IN ('DONE', 'FAILED'))"


def test_a_deal_that_kills_its_worker_is_the_only_one_that_fails(ground: Ground, rescued: Rescued) -> None:
    """SIGKILL in its stage, five times; whoever was there twice when it happened is not there again."""
    queue_deals(ground.database_url, NEIGHBOURS)
    poison = int(ground.rows("SELECT min(id) AS id FROM deals")[0]["id"])
    with supervised(ground, poison=poison, concurrency=1 + NEIGHBOURS, stage_seconds=0.1) as ends:
        ground.until(lambda: ground.rows(ALL_ENDED), seconds=60, what="the end of all runs")
        assert ends == [-signal.SIGKILL] * MOST_CRASHES
    assert ground.rows("SELECT deal_id, reason, crashes FROM pipeline_runs WHERE status <> 'DONE'") == [
        {"deal_id": poison, "reason": "CRASHED", "crashes": MOST_CRASHES}
    ]
    told = ground.rows("SELECT error_message FROM steps WHERE status = 'FAILED'")
    assert told == [{"error_message": f"Its worker died {MOST_CRASHES} times while it ran."}]
    accused = {row["deal_id"]: row["n"] for row in ground.rows(ACCUSED)}
    assert accused.pop(poison) == MOST_CRASHES
    assert accused, "no neighbour was under way: nothing was proven"
    assert max(accused.values()) <= QUARANTINE_CRASHES
    each_effect_once(ground)


@pytest.mark.parametrize("fault", ["deaf_stage", "blocking_stage"])
def test_the_run_of_a_worker_that_ignores_sigterm_resumes_after_sigkill(
    ground: Ground, rescued: Rescued, fault: str
) -> None:
    """A stage that swallows its end, and one that blocks the event loop: SIGTERM changes nothing, SIGKILL does."""
    stubborn = ground.started(**{fault: "validate"}, grace_seconds=0.2, watchdog_seconds=60.0)
    ground.until(lambda: ground.rows(STARTED), seconds=20, what="the second stage")
    _ignored(ground, stubborn, deaf=fault == "deaf_stage")
    stubborn.kill()
    stubborn.join(10)
    ground.start()
    at_rest(ground)
    each_stage_once(ground)
    each_effect_once(ground)
    assert repeated_calls(ground) == 1
    assert ground.rows("SELECT stage, attempts FROM steps WHERE attempts > 1") == [{"stage": "validate", "attempts": 2}]


def _ignored(ground: Ground, process: ForkServerProcess, *, deaf: bool) -> None:
    """The process has SIGTERM and goes on."""
    os.kill(process.pid or 0, signal.SIGTERM)
    if deaf:
        ground.until(lambda: GOES_ON in ground.tail(), seconds=10, what="the stage that was told to end")
    process.join(0.5)
    assert process.exitcode is None, ground.tail()
