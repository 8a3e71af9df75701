"""Procrastinate's own bad moments: a job that it cannot end, a wake-up that it does not hear."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pipeline.worker.entry import POLL_SECONDS
from tests.crash.crash_environment import Ground
from tests.crash.final_state import at_rest, each_effect_once, each_stage_once, repeated_calls
from tests.crash.lost_wake_ups import ASKED
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import Rescued

# Our own connections have a time-out of their own, Procrastinate's have the database's.
IMPATIENT = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 300', current_database()); END $$"
DONE = "SELECT id FROM pipeline_runs WHERE status = 'DONE'"
DOING = "SELECT id FROM procrastinate_jobs WHERE status = 'doing'"
WAITED = """
SELECT extract(epoch FROM started_at - created_at)::float AS seconds FROM pipeline_runs ORDER BY id DESC LIMIT 1
"""


@contextmanager
def locked_jobs(ground: Ground) -> Iterator[None]:
    """Inside the block somebody looks at the jobs and holds them."""
    with psycopg.connect(ground.database_url) as connection:
        connection.execute("SELECT id FROM procrastinate_jobs FOR UPDATE")
        yield


def test_a_job_that_cannot_be_finished_is_deleted_by_the_sweep(ground: Ground, rescued: Rescued) -> None:
    """Its row is locked when the run is DONE: the worker goes on with others, and the sweep takes the job."""
    ground.change(IMPATIENT)
    ground.started(stage_seconds=0.1)
    ground.until(lambda: ground.rows(DOING), seconds=20, what="a job under way")
    with locked_jobs(ground):
        ground.until(lambda: "LockNotAvailable" in ground.tail(), seconds=20, what="a job that cannot be ended")
        assert ground.rows("SELECT status FROM pipeline_runs") == [{"status": "DONE"}]
    queue_deals(ground.database_url, 1)
    ground.until(lambda: len(ground.rows(DONE)) == 2, seconds=20, what="the second deal")
    at_rest(ground)
    each_stage_once(ground)
    each_effect_once(ground)
    assert repeated_calls(ground) == 0


def test_a_deal_whose_wake_up_is_lost_begins_with_the_next_poll(ground: Ground, rescued: Rescued) -> None:
    """It comes while the worker is told that there is no job: the deal begins with the product's poll, in a second."""
    ground.started(loses_wake_ups=True, poll_seconds=POLL_SECONDS)
    at_rest(ground)
    ground.until(lambda: ASKED in ground.tail(), seconds=10, what="an empty queue")
    queue_deals(ground.database_url, 1)
    at_rest(ground)
    waited = ground.rows(WAITED)[0]["seconds"]
    assert POLL_SECONDS * 0.9 < waited < POLL_SECONDS + 1.0, "the wake-up was not lost, or the poll came late"
    each_stage_once(ground)
    assert repeated_calls(ground) == 0
