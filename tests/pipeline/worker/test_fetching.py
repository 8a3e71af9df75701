"""A worker fetches every job, whatever the database's settings; one that cannot be read stops no other."""

from procrastinate import App

from core.database import Database
from models.conditions import QUEUE, TASK
from tests.factories import queued_deal, rows
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
