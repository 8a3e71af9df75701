"""The real processes, started, killed and stopped as in production."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.final_state import STAGES, assert_deals_match, assert_each_deal_was_processed_once, number_done
from tests.installation import Installation, installation, until

DEALS = 60
# Created when all processes run: the first deals may be done before the test reads them.
MORE_DEALS = 60
SECONDS = 90

RUNNING_SYNC = "SELECT id FROM sync_runs WHERE outcome = 'RUNNING' AND started_at < now() - interval '0.5 s'"


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    settings = {
        "SANDBOX_DEALS": str(DEALS),
        "SANDBOX_LIVELY": "false",
        "SYNC_INTERVAL_SECONDS": "1",
        "BACKFILL_PROCESS": "all",
    }
    with installation(LEASE_SECONDS="3", REAPER_INTERVAL_SECONDS="0.5", **settings) as ready:
        yield ready


@pytest.mark.timeout(180)
def test_a_killed_worker_and_a_killed_scheduler_lose_nothing_and_repeat_nothing(running: Installation) -> None:
    """They are killed in the middle of a run and of a sync; after the restart the result is as without the kills."""
    running.create_deals(MORE_DEALS)
    _kill_worker_in_mid_run(running)
    with running.frozen("sandbox"):
        until(lambda: running.rows(RUNNING_SYNC), seconds=30, what="a sync that waits for HubSpot")
        running.kill("scheduler")
    deals = len(running.truth())
    until(lambda: number_done(running) == deals, seconds=SECONDS, what="the end of all runs")
    _assert_kills_interrupted_work(running)
    assert_deals_match(running)
    assert_each_deal_was_processed_once(running)


def _kill_worker_in_mid_run(running: Installation) -> None:
    """The worker is frozen before the query, so that the run is still in flight when the worker is killed."""
    worker = running.pid_of("pipeline")

    def caught() -> bool:
        os.kill(worker, signal.SIGSTOP)
        if _runs_in_flight(running):
            return True
        os.kill(worker, signal.SIGCONT)
        return False

    until(caught, seconds=SECONDS, what="a run in flight")
    os.kill(worker, signal.SIGKILL)


def _runs_in_flight(running: Installation) -> bool:
    found = running.rows("SELECT count(*) AS n FROM steps WHERE status = 'RUNNING' AND position > 0")
    return bool(found[0]["n"])


def _assert_kills_interrupted_work(running: Installation) -> None:
    """Otherwise the test would prove nothing."""
    assert running.rows("SELECT count(*) AS n FROM step_attempts WHERE error_type = 'WorkerLost'")[0]["n"] > 0
    until(
        lambda: running.rows("SELECT 1 FROM sync_runs WHERE outcome = 'INTERRUPTED'"),
        seconds=15,
        what="the record of the interrupted sync",
    )


def test_the_api_is_closed_without_a_credential_and_answers_with_one(running: Installation) -> None:
    """401 without a token; the first token reads the queue with its steps."""
    query = "{ dealQueue(limit: 3) { items { name status steps { stage status } } nextBefore } }"
    anonymous = httpx.post(f"{running.url}/graphql", json={"query": query})
    assert anonymous.status_code == 401
    assert anonymous.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    until(lambda: number_done(running), seconds=SECONDS, what="the first deal that is done")
    page = running.graphql(query)["dealQueue"]
    assert len(page["items"]) == 3
    assert page["nextBefore"]
    assert [step["stage"] for step in page["items"][0]["steps"]] == STAGES
    assert httpx.get(f"{running.url}/healthz").status_code == 200
    assert httpx.get(f"{running.url}/readyz").status_code == 200
    assert running.graphql("{ syncStatus { lastSyncAt lastError } }")["syncStatus"]["lastError"] is None


def test_the_scheduler_stops_within_five_seconds_in_the_middle_of_a_sync(running: Installation) -> None:
    """HubSpot does not answer when the scheduler is stopped; the sync is recorded as INTERRUPTED."""
    until(lambda: running.rows("SELECT 1 FROM sync_runs WHERE outcome = 'DONE'"), seconds=SECONDS, what="a sync")
    scheduler = running.pid_of("scheduler")
    with running.frozen("sandbox"):
        stuck = until(lambda: running.rows(RUNNING_SYNC), seconds=30, what="a sync that waits for HubSpot")
        os.kill(scheduler, signal.SIGTERM)
        until(lambda: not Path(f"/proc/{scheduler}").exists(), seconds=5, what="the scheduler's end")
    outcome = f"SELECT outcome, error FROM sync_runs WHERE id = {stuck[0]['id']}"
    assert running.rows(outcome)[0]["outcome"] == "INTERRUPTED"
    again = f"SELECT 1 FROM sync_runs WHERE outcome = 'DONE' AND id > {stuck[0]['id']}"
    until(lambda: running.rows(again), seconds=30, what="the next sync of the restarted scheduler")
