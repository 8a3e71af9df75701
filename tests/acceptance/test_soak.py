"""The guarantees of the other tests under many kills; run by `make soak`."""

import random

import pytest

from tests.acceptance.final_state import assert_deals_match, assert_each_deal_was_processed_once, number_done
from tests.installation import Installation, installation, until

DEALS = 300
KILLS = 20
SEED = 7
ATTEMPTS = "SELECT count(*) AS n FROM step_attempts"


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_twenty_kills_lose_nothing_and_repeat_nothing() -> None:
    """Worker, scheduler or API, each killed while deals are processed; it prints how often each was killed."""
    settings = {
        "SANDBOX_DEALS": str(DEALS),
        "SANDBOX_LIVELY": "false",
        "SYNC_INTERVAL_SECONDS": "1",
        "BACKFILL_PROCESS": "all",
    }
    with installation(LEASE_SECONDS="3", REAPER_INTERVAL_SECONDS="0.5", **settings) as running:
        victims = random.Random(SEED).choices(["pipeline", "scheduler", "api"], [3, 2, 1], k=KILLS)
        for victim in victims:
            _wait_for_progress(running)
            _kill(running, victim)
        until(lambda: number_done(running) == DEALS, seconds=300, what="the end of all runs")
        print({victim: victims.count(victim) for victim in set(victims)})
        lost = running.rows("SELECT count(*) AS n FROM step_attempts WHERE error_type = 'WorkerLost'")[0]["n"]
        assert lost > 0, "no kill has interrupted a stage"
        assert_deals_match(running)
        assert_each_deal_was_processed_once(running)


def _wait_for_progress(running: Installation) -> None:
    """Spread the kills over time: each waits for some attempts after the last kill, or until all deals are done."""
    before = running.rows(ATTEMPTS)[0]["n"]
    until(
        lambda: running.rows(ATTEMPTS)[0]["n"] > before + 20 or number_done(running) == DEALS,
        seconds=120,
        what="progress",
    )


def _kill(running: Installation, victim: str) -> None:
    until(lambda: _alive(running, victim), seconds=60, what=f"python -m {victim}")
    running.kill(victim)


def _alive(running: Installation, module: str) -> bool:
    return any(command.endswith(f"-m {module}") for command in running.processes().values())
