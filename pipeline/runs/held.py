"""Runs that the storm guard holds because too many deals arrived or changed at once: release them, or drop them.

They are held when their deals are stored (intake.py), or when a change would start them (starting.py).
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models.conditions import is_held
from pipeline.queue import wake_after
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import requeued, shown_on_deals

# Per transaction: a storm of 100,000 deals must not hold locks for minutes.
BATCH = 1_000

_COUNT = text(f"SELECT count(*) AS n FROM pipeline_runs AS r WHERE {is_held()}")

_RELEASE = text(f"""
WITH due AS (
    SELECT r.id AS run_id, r.deal_id, r.priority, r.next_attempt_at, r.crashes FROM pipeline_runs AS r
    WHERE {is_held()} ORDER BY r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), {requeued("due")}, released AS (
    UPDATE pipeline_runs AS r SET reason = NULL, job_id = j.job_id, queued_at = clock_timestamp()
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.deal_id
)
{shown_on_deals("released", returning="d.id")}
""")

_DROP = text(f"""
WITH due AS (
    SELECT r.id FROM pipeline_runs AS r WHERE {is_held()} ORDER BY r.id LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED
), dropped AS (
    UPDATE pipeline_runs AS r SET status = 'CANCELLED', ended_at = clock_timestamp()
    FROM due AS d WHERE r.id = d.id RETURNING r.deal_id
)
{shown_on_deals("dropped", "status = 'CANCELLED'", returning="d.id")}
""")


class Holding(RunStatements):
    @staticmethod
    async def count_held(database: Database) -> int:
        return int((await database.run(_COUNT))[0].n)

    @staticmethod
    async def release_held(session: AsyncSession) -> int:
        """Queue the oldest held runs, a batch at most; how many. 0 when none is left."""
        released = len((await session.execute(_RELEASE, {"batch": BATCH})).all())
        if released:
            wake_after(session)
        return released

    @staticmethod
    async def drop_held(session: AsyncSession) -> int:
        """Cancel the oldest held runs, a batch at most; how many. 0 when none is left."""
        return len((await session.execute(_DROP, {"batch": BATCH})).all())
