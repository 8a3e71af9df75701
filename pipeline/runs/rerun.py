"""A deal whose change asks for another run gets exactly one, as soon as it has no active run."""

from sqlalchemy import text

from core.database import Database
from pipeline.queue import DEFERRED_JOBS, Priority, wake

BATCH = 500

# Deals that another transaction is at are left to the next call: waiting for them could be waiting for each other.
# One that a person has just retried has a run that is not seen yet; its own wish waits for the end of that one.
_START_WANTED = text(f"""
WITH due AS (
    SELECT d.id AS deal_id
    FROM deals AS d
    WHERE d.rerun_wanted_at IS NOT NULL AND d.archived_at IS NULL AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r WHERE r.deal_id = d.id AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING'))
    ORDER BY d.rerun_wanted_at LIMIT :batch FOR UPDATE SKIP LOCKED
), wanted AS (
    SELECT d.deal_id, nextval(pg_get_serial_sequence('pipeline_runs', 'id')) AS run_id,
           {int(Priority.NEW)} AS priority, NULL::timestamptz AS next_attempt_at,
           row_number() OVER (ORDER BY d.deal_id) AS n
    FROM due AS d
), jobs AS ({DEFERRED_JOBS}), runs AS (
    INSERT INTO pipeline_runs (id, deal_id, number, trigger, priority, status, stages, job_id)
    SELECT w.run_id, w.deal_id, 1 + (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = w.deal_id),
           'CHANGED', w.priority, 'QUEUED', CAST(:stages AS jsonb), j.job_id
    FROM wanted AS w JOIN jobs AS j USING (n)
    ON CONFLICT DO NOTHING
    RETURNING id, deal_id
)
UPDATE deals AS d
SET status = 'QUEUED', current_stage = NULL, latest_run_id = r.id, rerun_wanted_at = NULL,
    updated_at = clock_timestamp()
FROM runs AS r WHERE d.id = r.deal_id
RETURNING d.id
""")  # noqa: S608 - constants of ours


async def start_wanted(database: Database, stages: str) -> int:
    """Start the runs that changes have asked for; how many. `stages` is the runs' JSON."""
    started = len(await database.run(_START_WANTED, {"stages": stages, "batch": BATCH}))
    if started:
        wake(database)
    return started
