"""The queue: Procrastinate's app, and how jobs come into it, always in the caller's transaction."""

from datetime import datetime
from enum import IntEnum
from typing import Any

from procrastinate import App
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcing import Announcement, announce_after
from core.database import Database, libpq_url
from pipeline.connector import BridgedConnector

QUEUE = "deals"
# For runs whose worker died with them more than once; each worker serves one of them at a time.
QUARANTINE = "quarantine"
TASK = "process_deal"

# psycopg's defaults of 30 s and 300 s made a worker wait 22 s after a short outage; measured with these: 0.5 s.
POOL_TIMEOUT_SECONDS = 5.0

# What Procrastinate's workers listen for; its own trigger for each job is disabled by revision 0009.
_WAKE = Announcement(f"procrastinate_queue_v1#{QUEUE}", '{"type": "job_inserted", "job_id": 0}')


# A run that was under way goes on before its equals that have not begun: it would else wait behind the whole queue.
RESUMED = 1


class Priority(IntEnum):
    """Higher is served first."""

    BACKFILL = 0
    NEW = 10
    # Backfilled runs that have waited long, a few at a time: pipeline/runs/overdue.py.
    OVERDUE = 11
    NOW = 20


def make_app(database_url: str, *, connections: int = 4) -> App:
    """Procrastinate over our tables. Nothing is connected before the app is opened."""
    return App(
        connector=BridgedConnector(
            conninfo=libpq_url(database_url),
            configure=_commits_by_itself,
            min_size=1,
            max_size=connections,
            timeout=POOL_TIMEOUT_SECONDS,
            reconnect_timeout=POOL_TIMEOUT_SECONDS,
        )
    )


async def _commits_by_itself(connection: AsyncConnection[Any]) -> None:
    """Each of Procrastinate's statements is whole: BEGIN and COMMIT around it are two more round trips."""
    await connection.set_autocommit(True)


def wake(where: Database | AsyncSession) -> None:
    """Idle workers look for jobs, after the session's commit or soon; without it at their next poll."""
    if isinstance(where, Database):
        where.announce(_WAKE)
    else:
        announce_after(where, _WAKE)


async def defer(
    app: App,
    session: AsyncSession,
    deal_id: int,
    *,
    priority: int,
    not_before: datetime | None = None,
    queue: str = QUEUE,
) -> int:
    """Queue one job for this deal inside the session's transaction; the job's id."""
    deferrer = app.configure_task(TASK, queue=queue, priority=priority, schedule_at=not_before, connection=session)
    return await deferrer.defer_async(deal_id=deal_id)


def deferred_jobs(queue: str) -> str:
    """SQL for jobs of the rows (deal_id, priority, next_attempt_at, n) of a CTE `wanted` AS w; gives (job_id, n).

    `queue` is an SQL expression. No lock and no queueing_lock: both have proven stuck states.
    `procrastinate_defer_jobs_v1` is internal to Procrastinate, hence the pin on ~=3.10 and the contract test on its
    order and its empty answer.
    """
    return f"""
    SELECT j.job_id, j.n
    FROM unnest(procrastinate_defer_jobs_v1(ARRAY(
        SELECT ROW({queue}, '{TASK}', w.priority, NULL, NULL,
                   jsonb_build_object('deal_id', w.deal_id), w.next_attempt_at)::procrastinate_job_to_defer_v1
        FROM wanted AS w ORDER BY w.n
    ))) WITH ORDINALITY AS j (job_id, n)
"""  # noqa: S608 - constants of ours


DEFERRED_JOBS = deferred_jobs(f"'{QUEUE}'")
