"""The delivery of waiting runs: before all others, again after a pause, or earlier because it is overdue."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.conditions import QUEUE, is_active, is_waiting
from pipeline.queue import Priority, wake_after
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import requeued, shown_on_deals

REDELIVERY_BATCH = 1_000

OVERDUE_MINUTES = 10
# So many overdue runs are before the new ones at a time. New deals wait for ten runs at most, however long the backlog
# is, and at least ten runs of the backlog are processed between two calls.
MOST_OVERDUE = 10

# A new job rather than a changed one: it wakes the workers, and there may be none (held, or delivered during a pause).
# If a worker has already fetched the old one, one of the two finds nothing to claim.
_HASTEN = text(f"""
WITH run AS (
    SELECT r.id AS run_id, r.deal_id, {int(Priority.NOW)} AS priority, NULL::timestamptz AS next_attempt_at, r.crashes,
           r.job_id AS old_job_id
    FROM pipeline_runs AS r WHERE r.id = :run_id
), {requeued("run")}, hastened AS (
    UPDATE pipeline_runs AS r
    SET priority = w.priority, job_id = j.job_id,
        reason = CASE WHEN r.reason = 'HELD' THEN NULL ELSE r.reason END,
        queued_at = CASE WHEN r.reason = 'HELD' THEN clock_timestamp() ELSE r.queued_at END,
        next_attempt_at = CASE WHEN r.status = 'RETRYING' THEN clock_timestamp() END
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.deal_id
), old_job AS (
    DELETE FROM procrastinate_jobs AS j USING run WHERE j.id = run.old_job_id AND j.status = 'todo'
)
{shown_on_deals("hastened")}
""")

# A job that was delivered during a pause is gone, and its run waits. The worker that has just fetched one is about to
# find the pause: its run gets another job, and one of the two finds nothing to claim. In order of priority and age.
_REDELIVER = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.crashes, r.created_at FROM pipeline_runs AS r
    WHERE {is_waiting()} AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status = 'todo')
    ORDER BY r.priority DESC, r.created_at, r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), {requeued("due", order="r.priority DESC, r.created_at, r.run_id")}
UPDATE pipeline_runs AS r SET job_id = j.job_id FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
RETURNING r.id
""")

# Only the job is raised: the run keeps its priority, and a later attempt of it waits in its own place again. The oldest
# jobs are read first, by the index that the queue itself is read by.
_RAISE_OVERDUE = text(f"""
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
FROM oldest AS o JOIN pipeline_runs AS r ON r.deal_id = o.deal_id AND {is_active()}
WHERE j.id = o.id AND j.status = 'todo'
  AND r.created_at < clock_timestamp() - make_interval(mins => {OVERDUE_MINUTES})
RETURNING j.id
""")


class Delivery(RunStatements):
    @staticmethod
    async def hasten(session: AsyncSession, run_id: int) -> None:
        """Deliver a waiting or held run before all others. Lock it first."""
        await session.execute(_HASTEN, {"run_id": run_id})
        wake_after(session)

    @staticmethod
    async def redeliver(session: AsyncSession) -> int:
        """After a pause: give each waiting run that has no job a new one; how many."""
        redelivered = 0
        while batch := len((await session.execute(_REDELIVER, {"batch": REDELIVERY_BATCH})).all()):
            redelivered += batch
        # Even if no run was redelivered: idle workers have ignored the jobs that wait.
        wake_after(session)
        return redelivered

    async def raise_overdue(self) -> int:
        """Deliver the oldest overdue backfilled runs before the new ones; how many.

        Backfilled runs are processed last, but not never.
        """
        return len(await self._database.run(_RAISE_OVERDUE))
