"""Backfilled runs are served last, but not never: those that have waited long go before new ones, a few at a time."""

from sqlalchemy import text

from core.database import Database
from pipeline.queue import QUEUE, Priority

OVERDUE_MINUTES = 10
# So many may stand before the new ones at a time. New deals wait for ten runs at most, however long the backlog is,
# and of the backlog at least ten runs are served between two looks.
MOST_OVERDUE = 10

# Only the job is raised: the run stays what it is, and a later attempt of it waits in its own place again. The oldest
# jobs are looked at first, through the index that the queue itself is read by.
_RAISE = text(f"""
WITH raised AS (
    SELECT count(*) AS n FROM procrastinate_jobs
    WHERE status = 'todo' AND priority = {int(Priority.OVERDUE)} AND queue_name = '{QUEUE}'
), oldest AS (
    SELECT j.id, (j.args ->> 'deal_id')::bigint AS deal_id FROM procrastinate_jobs AS j
    WHERE j.status = 'todo' AND j.priority = {int(Priority.BACKFILL)} AND j.queue_name = '{QUEUE}'
      AND coalesce(j.scheduled_at, '-infinity') <= clock_timestamp()
    ORDER BY j.id LIMIT greatest({MOST_OVERDUE} - (SELECT n FROM raised), 0) FOR UPDATE SKIP LOCKED
)
UPDATE procrastinate_jobs AS j SET priority = {int(Priority.OVERDUE)}
FROM oldest AS o JOIN pipeline_runs AS r ON r.deal_id = o.deal_id AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING')
WHERE j.id = o.id AND j.status = 'todo'
  AND r.created_at < clock_timestamp() - make_interval(mins => {OVERDUE_MINUTES})
RETURNING j.id
""")  # noqa: S608 - constants of ours


async def raise_overdue(database: Database) -> int:
    """Let the oldest overdue backfilled runs go before the new ones; how many."""
    return len(await database.run(_RAISE))
