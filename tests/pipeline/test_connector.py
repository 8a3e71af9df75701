"""Procrastinate's own `configure(connection=...)` on our session: one transaction with ours."""

from datetime import UTC, datetime

import pytest
from procrastinate import App
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from pipeline.connector import numbered
from pipeline.queue import defer
from tests.factories import rows

LATER = datetime(2030, 1, 1, tzinfo=UTC)
JOBS = "SELECT args, priority, scheduled_at, status, lock, queueing_lock FROM procrastinate_jobs"


async def test_a_committed_job_is_in_the_queue(database: Database, app: App) -> None:
    """With its argument, priority and time, and without any lock."""
    async with database.write() as session:
        job_id = await defer(app, session, 42, priority=20, not_before=LATER)
    assert await rows(database, JOBS) == [
        {"args": {"deal_id": 42}, "priority": 20, "scheduled_at": LATER, "status": "todo"}
        | {"lock": None, "queueing_lock": None}
    ]
    assert await rows(database, "SELECT id FROM procrastinate_jobs") == [{"id": job_id}]


async def test_a_job_is_rolled_back_with_the_transaction(database: Database, app: App) -> None:
    """Whatever fails after the deferral takes the job with it."""
    with pytest.raises(DBAPIError):
        await _defer_and_fail(database, app)
    assert await rows(database, JOBS) == []


async def _defer_and_fail(database: Database, app: App) -> None:
    async with database.write() as session:
        await defer(app, session, 42, priority=0)
        await session.execute(text("SELECT 1 / 0"))


def test_placeholders_are_numbered_once_each() -> None:
    """A name that stands twice is one argument."""
    assert numbered("%(b)s %(a)s %(b)s", {"a": 1, "b": [{"x": 1}]}) == ("$1 $2 $1", [['{"x":1}'], 1])
