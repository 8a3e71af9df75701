"""A worker fetches every job, whatever the database's settings; one that cannot be read stops no other."""

import asyncio

import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from core.database import Database
from models import RunStatus
from models.conditions import MOST_CRASHES, QUARANTINE, QUEUE, TASK
from pipeline.runs.transition import Transition
from pipeline.worker.fetching import ReadableJobs
from pipeline.worker.pausing import pausable
from tests.factories import WORKER, queued_deal, rows, run_store
from tests.pipeline.worker.worked_queue import WorkedQueue

RETRY = """
WITH run AS (UPDATE pipeline_runs SET status = 'RETRYING', next_attempt_at = now() RETURNING id)
UPDATE procrastinate_jobs SET scheduled_at = now() RETURNING id
"""


async def test_a_retry_is_fetched_from_a_database_with_other_settings(
    hostile_url: str, app: App, database: Database
) -> None:
    """Its time is text in the style that the session demands."""
    processed: list[int] = []

    async def process(deal_id: int) -> None:
        processed.append(deal_id)

    deal_id = await queued_deal(database)
    await rows(database, RETRY)
    app.task(name=TASK, queue=QUEUE)(process)
    await WorkedQueue(app, database).work()
    assert processed == [deal_id]


# Python has no such moment, and Procrastinate has committed the fetch before it reads the row.
UNREADABLE = """
WITH run AS (
    UPDATE pipeline_runs SET status = 'RETRYING', next_attempt_at = :moment WHERE deal_id = :deal RETURNING id, job_id
)
UPDATE procrastinate_jobs AS j SET scheduled_at = :moment, priority = 100 FROM run WHERE j.id = run.job_id RETURNING 1
"""
ENDS = "SELECT deal_id, status, reason, crashes FROM pipeline_runs ORDER BY deal_id"


async def test_a_job_that_cannot_be_read_fails_alone(app: App, database: Database) -> None:
    """No worker ends; the run is in the quarantine after the second time, and fails after the fifth."""
    unreadable, *others = [await queued_deal(database) for _ in range(4)]
    await rows(database, UNREADABLE.replace(":moment", "'-infinity'"), deal=unreadable)
    runs = run_store(database)

    async def process(deal_id: int) -> None:
        lease = await runs.claim(deal_id, worker=WORKER)
        assert lease is not None
        await runs.move(lease, Transition(status=RunStatus.DONE))

    async with pausable(app, database, runs):
        app.task(name=TASK, queue=QUEUE)(process)
        workers = [Worker(app=app, queues=[queue], fetch_job_polling_interval=0.01, delete_jobs="always",
                          install_signal_handlers=False, listen_notify=False)
                   for queue in (QUEUE, QUARANTINE)]  # fmt: skip
        working = asyncio.gather(*(worker.run() for worker in workers))
        async with asyncio.timeout(10):
            while await rows(database, "SELECT 1 FROM pipeline_runs WHERE ended_at IS NULL LIMIT 1"):
                await asyncio.sleep(0.01)
                assert not working.done()
        for worker in workers:
            worker.stop()
        await working
    assert await rows(database, ENDS) == [
        {"deal_id": unreadable, "status": "FAILED", "reason": "CRASHED", "crashes": MOST_CRASHES},
        *({"deal_id": deal, "status": "DONE", "reason": None, "crashes": 0} for deal in others),
    ]
    assert await rows(database, "SELECT id FROM procrastinate_jobs") == []


async def test_an_error_of_another_kind_is_raised(app: App, database: Database) -> None:
    """Nothing was fetched, so that no job is to blame."""
    jobs = ReadableJobs(app.connector, run_store(database))
    await queued_deal(database)
    await rows(database, "ALTER FUNCTION procrastinate_fetch_job_v2 RENAME TO gone")
    with pytest.raises(ConnectorException):
        await jobs.fetch_job([QUEUE], 1)
    assert await rows(database, "SELECT status, crashes FROM pipeline_runs") == [{"status": "QUEUED", "crashes": 0}]
