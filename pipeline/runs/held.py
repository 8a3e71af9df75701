"""Runs that the guard against storms has held: let them go, or drop them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from pipeline.queue import DEFERRED_JOBS, wake

# Per transaction: a storm of 100,000 deals must not hold locks for minutes.
BATCH = 1_000

_HELD = "r.reason = 'HELD' AND r.status = 'QUEUED'"

_COUNT = text(f"SELECT count(*) AS n FROM pipeline_runs AS r WHERE {_HELD}")  # noqa: S608

_APPROVE = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority FROM pipeline_runs AS r
    WHERE {_HELD} ORDER BY r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), wanted AS (
    SELECT d.*, NULL::timestamptz AS next_attempt_at, row_number() OVER (ORDER BY d.run_id) AS n FROM due AS d
), jobs AS ({DEFERRED_JOBS}), let_go AS (
    UPDATE pipeline_runs AS r SET reason = NULL, job_id = j.job_id, queued_at = clock_timestamp()
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.deal_id
)
UPDATE deals AS d SET updated_at = clock_timestamp() FROM let_go AS l WHERE d.id = l.deal_id RETURNING d.id
""")  # noqa: S608

_DROP = text(f"""
WITH due AS (
    SELECT r.id FROM pipeline_runs AS r WHERE {_HELD} ORDER BY r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), dropped AS (
    UPDATE pipeline_runs AS r SET status = 'CANCELLED', ended_at = clock_timestamp()
    FROM due AS d WHERE r.id = d.id RETURNING r.deal_id
)
UPDATE deals AS d SET status = 'CANCELLED', updated_at = clock_timestamp()
FROM dropped AS l WHERE d.id = l.deal_id RETURNING d.id
""")  # noqa: S608


async def count_held(database: Database) -> int:
    return int((await database.run(_COUNT))[0].n)


async def approve_held(session: AsyncSession) -> int:
    """Queue the oldest held runs, a batch at most; how many. 0 when none is left."""
    approved = len((await session.execute(_APPROVE, {"batch": BATCH})).all())
    if approved:
        wake(session)
    return approved


async def drop_held(session: AsyncSession) -> int:
    """Cancel the oldest held runs, a batch at most; how many. 0 when none is left."""
    return len((await session.execute(_DROP, {"batch": BATCH})).all())
