"""The queue: Procrastinate's app, and the SQL that queues jobs, always in the caller's transaction."""

from enum import IntEnum
from functools import partial
from typing import Any

from procrastinate import App, PsycopgConnector
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncSession

from core.address import Address
from core.announcing import Announcement, announce_after
from core.database import Database
from core.renewal import GREATEST_AGE_SECONDS
from core.session_settings import SessionSettings
from models.conditions import QUEUE, TASK

# psycopg's defaults of 30 s and 300 s made a worker wait 22 s after a short outage; measured with these: 0.5 s.
POOL_TIMEOUT_SECONDS = 5.0

# What Procrastinate's workers listen for; revision 0009 disables its own trigger, which notifies for each job.
_WAKE = Announcement(f"procrastinate_queue_v1#{QUEUE}", '{"type": "job_inserted", "job_id": 0}')

# A run that has begun continues before runs of its priority that have not: it would wait behind the whole queue.
RESUMED = 1


class Priority(IntEnum):
    """Higher is processed first."""

    # No person waits for a recheck.
    RECHECK = -10
    BACKFILL = 0
    # A mass edit must not delay new deals.
    CHANGED = 5
    NEW = 10
    # Backfilled runs that have waited long, a few at a time: pipeline/runs/delivery.py.
    OVERDUE = 11
    NOW = 20


def make_app(database_url: str, *, connections: int = 4, settings: SessionSettings | None = None) -> App:
    """Procrastinate over our tables. Nothing is connected before the app is opened.

    `settings` are those of the process's database.
    """
    return App(
        connector=PsycopgConnector(
            conninfo=Address.of(database_url).libpq(),
            configure=partial(_configure, settings or SessionSettings()),
            min_size=1,
            max_size=connections,
            timeout=POOL_TIMEOUT_SECONDS,
            reconnect_timeout=POOL_TIMEOUT_SECONDS,
            max_lifetime=GREATEST_AGE_SECONDS,
        )
    )


async def _configure(settings: SessionSettings, connection: AsyncConnection[Any]) -> None:
    """Each of Procrastinate's statements is a transaction by itself: BEGIN and COMMIT would be two more round trips."""
    await connection.set_autocommit(True)
    await settings.configure(connection)


def wake(database: Database) -> None:
    """Wake idle workers soon, so that they fetch jobs; otherwise they do so at their next poll."""
    database.announce(_WAKE)


def wake_after(session: AsyncSession) -> None:
    """Wake them when the session's transaction is committed; never if it is rolled back."""
    announce_after(session, _WAKE)


def deferred_jobs(queue: str) -> str:
    """SQL for jobs of the rows (deal_id, priority, next_attempt_at, n) of a CTE `wanted` AS w; gives (job_id, n).

    `queue` is an SQL expression. No lock and no queueing_lock: with either, a queue was found stuck.
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
