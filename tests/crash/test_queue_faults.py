"""Faults of Procrastinate: a job that it cannot finish, a wake-up that it misses."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pipeline.worker.entry import POLL_SECONDS
from tests.crash.crash_environment import CrashEnvironment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, repeated_calls, wait_until_all_done
from tests.crash.lost_wake_ups import FOUND_EMPTY
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import ReaperCounts

# Sooner than the time-out for locks does it.
CANCEL_WAITING = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
DONE = "SELECT id FROM pipeline_runs WHERE status = 'DONE'"
DOING = "SELECT id FROM procrastinate_jobs WHERE status = 'doing'"
WAITED = """
SELECT extract(epoch FROM started_at - created_at)::float AS seconds FROM pipeline_runs ORDER BY id DESC LIMIT 1
"""


@contextmanager
def locked_jobs(environment: CrashEnvironment) -> Iterator[None]:
    """Another session locks the rows of all jobs until the end of the block."""
    with psycopg.connect(environment.database_url) as connection:
        connection.execute("SELECT id FROM procrastinate_jobs FOR UPDATE")
        yield


def test_a_job_that_cannot_be_finished_is_deleted_by_the_sweep(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """Its row is locked when the run ends: the worker continues with other deals, and the sweep deletes the job."""
    environment.start_and_wait(stage_seconds=0.1)
    environment.until(lambda: environment.rows(DOING), seconds=20, what="a job in progress")
    with locked_jobs(environment):
        environment.until(lambda: environment.rows(CANCEL_WAITING), seconds=20, what="a job that waits to be finished")
        environment.until(
            lambda: "QueryCanceled" in environment.log_tail(), seconds=20, what="a job that cannot be finished"
        )
        assert environment.rows("SELECT status FROM pipeline_runs") == [{"status": "DONE"}]
    queue_deals(environment.database_url, 1)
    environment.until(lambda: len(environment.rows(DONE)) == 2, seconds=20, what="the second deal")
    wait_until_all_done(environment)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)
    assert repeated_calls(environment) == 0


def test_a_deal_whose_wake_up_is_lost_begins_with_the_next_poll(
    environment: CrashEnvironment, reaper: ReaperCounts
) -> None:
    """It arrives while the worker receives the answer that there is no job; the product's poll follows in a second."""
    environment.start_and_wait(loses_wake_ups=True, poll_seconds=POLL_SECONDS)
    wait_until_all_done(environment)
    environment.until(lambda: FOUND_EMPTY in environment.log_tail(), seconds=10, what="an empty queue")
    queue_deals(environment.database_url, 1)
    wait_until_all_done(environment)
    waited = environment.rows(WAITED)[0]["seconds"]
    assert POLL_SECONDS * 0.9 < waited < POLL_SECONDS + 1.0, "the wake-up was not lost, or the poll came late"
    assert_each_stage_once(environment)
    assert repeated_calls(environment) == 0
