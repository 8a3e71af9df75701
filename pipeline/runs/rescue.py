"""Bringing back what a dead worker or a lost job left behind. Each statement may be run at any time, by anyone."""

from sqlalchemy import TextClause, text

from core.database import Database
from pipeline.queue import DEFERRED_JOBS

# Per statement, so that no rescue holds locks for long; the next round takes the rest.
BATCH = 500
# Procrastinate's workers send a heartbeat every 5 s (see pipeline/worker.py); three missed ones are a dead worker.
STALE_HEARTBEAT_SECONDS = 15

# A run that was only just queued may have its job in a transaction that is not visible to us yet.
_JUST_QUEUED_SECONDS = 2


def _requeue(lost: str) -> TextClause:
    """Give the runs that `lost` selects and locks back to the queue, each with a new job and a moved epoch."""
    return text(f"""
WITH lost AS ({lost}), wanted AS (
    SELECT l.*, row_number() OVER (ORDER BY l.priority DESC, l.run_id) AS n FROM lost AS l
), jobs AS ({DEFERRED_JOBS}), requeued AS (
    UPDATE pipeline_runs AS r
    SET status = CASE WHEN r.status = 'RUNNING' THEN 'QUEUED'::run_status ELSE r.status END,
        epoch = r.epoch + 1, lease_until = NULL, worker = NULL, job_id = j.job_id
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.id, r.deal_id, r.status
), steps_reset AS (
    UPDATE steps AS s SET status = 'PENDING' FROM requeued AS q WHERE s.run_id = q.id AND s.status = 'RUNNING'
), attempts_closed AS (
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = 'WorkerLost', error_message = 'Its worker gave no sign of life.'
    FROM requeued AS q WHERE a.run_id = q.id AND a.ended_at IS NULL
), shown AS (
    UPDATE deals AS d SET status = q.status, updated_at = clock_timestamp()
    FROM requeued AS q WHERE d.id = q.deal_id AND d.status <> q.status
)
SELECT q.id, w.old_job_id FROM requeued AS q JOIN wanted AS w ON w.run_id = q.id
""")  # noqa: S608 - the three selections below


_EXPIRED = _requeue("""
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.job_id AS old_job_id
    FROM pipeline_runs AS r
    WHERE r.status = 'RUNNING' AND r.lease_until < clock_timestamp()
    ORDER BY r.lease_until LIMIT :batch FOR UPDATE SKIP LOCKED
""")

_OWN = _requeue("""
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.job_id AS old_job_id
    FROM pipeline_runs AS r
    WHERE r.status = 'RUNNING' AND r.worker = :worker
    LIMIT :batch FOR UPDATE SKIP LOCKED
""")

# A waiting run whose job is gone, or was fetched by a worker that has died since.
_UNDELIVERED = _requeue("""
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.job_id AS old_job_id
    FROM pipeline_runs AS r
    WHERE r.status IN ('QUEUED', 'RETRYING') AND r.reason IS DISTINCT FROM 'HELD'
      AND r.created_at < clock_timestamp() - make_interval(secs => :just_queued)
      AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS j LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
        WHERE j.id = r.job_id AND (j.status = 'todo' OR (
            j.status = 'doing' AND w.last_heartbeat > clock_timestamp() - make_interval(secs => :stale))))
    LIMIT :batch FOR UPDATE OF r SKIP LOCKED
""")

_DEAD_JOBS = text("DELETE FROM procrastinate_jobs WHERE id = ANY(CAST(:job_ids AS bigint[])) AND status = 'doing'")

# Jobs that nobody works on any more; their runs are brought back by the statements above.
_ABANDONED_JOBS = text("""
DELETE FROM procrastinate_jobs AS j
WHERE j.status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers AS w
    WHERE w.id = j.worker_id AND w.last_heartbeat > clock_timestamp() - make_interval(secs => :stale))
RETURNING j.id
""")


async def reap(database: Database) -> int:
    """Requeue runs whose lease is over; how many."""
    return len(await database.run(_EXPIRED, {"batch": BATCH}))


async def release_own(database: Database, worker: str) -> int:
    """At a worker's start: requeue what its dead incarnation of the same name still held; how many."""
    released = 0
    while runs := await database.run(_OWN, {"worker": worker, "batch": BATCH}):
        # Only here: a worker that merely looked dead would stumble over the missing row.
        await database.run(_DEAD_JOBS, {"job_ids": [run.old_job_id for run in runs]})
        released += len(runs)
    return released


async def sweep(database: Database) -> int:
    """Requeue waiting runs that no job will bring, and drop jobs of dead workers; how many runs (should be 0)."""
    stale = {"stale": STALE_HEARTBEAT_SECONDS}
    rows = await database.run(_UNDELIVERED, {**stale, "batch": BATCH, "just_queued": _JUST_QUEUED_SECONDS})
    await database.run(_ABANDONED_JOBS, stale)
    return len(rows)
