"""What the database can do to a sync: its row records how it ended, and the next sync finds nothing left open."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, cast

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from crm.client import HubSpot
from models import SyncKind
from sandbox.testing import running
from scheduler.context import JobContext
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.sync_lifecycle import run_sync
from tests.crm.scripted_server import RecordingBudget
from tests.factories import rows
from tests.scheduler.contexts import leading_context

LAST = "SELECT outcome, error FROM sync_runs ORDER BY id DESC LIMIT 1"


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[Database]:
    """A database with one connection for sessions, and little patience with those that want a second one."""
    narrow = Database.connect(database_url, name="narrow", pool_size=1)
    cast("Any", narrow.engine.pool)._timeout = 0.1
    yield narrow
    await narrow.close()


@pytest.fixture
async def context(narrow: Database) -> AsyncIterator[JobContext]:
    """Of a leading scheduler with a healthy HubSpot."""
    with running(deals=1) as hubspot:
        async with HubSpot(hubspot.url, lambda: SecretStr(hubspot.token), RecordingBudget()) as client:
            yield await leading_context(narrow, client)


async def test_a_sync_that_finds_no_free_connection_has_failed(
    context: JobContext, narrow: Database, database: Database
) -> None:
    """SQLAlchemy's pool raises an error of its own kind: neither the driver's nor Python's TimeoutError."""

    async def wants_a_second_connection(_: RunningSync) -> datetime | None:
        async with narrow.read() as session:
            await session.execute(text("SELECT 1"))
            await narrow.run(text("SELECT 1"))
        return None

    await run_sync(context, SyncKind.TAIL, wants_a_second_connection)
    found = await rows(database, LAST)
    assert found == [{"outcome": "FAILED", "error": "no connection of the pool was free in time"}]


async def test_a_sync_that_makes_a_mistake_has_failed_and_the_mistake_is_raised(
    context: JobContext, narrow: Database, database: Database
) -> None:
    """A statement that is wrong in itself: the record must not stay RUNNING for it, nor the log be without it."""

    async def errs(_: RunningSync) -> datetime | None:
        await narrow.run(text("SELECT 1 / 0"))
        return None

    with pytest.raises(DBAPIError):
        await run_sync(context, SyncKind.TAIL, errs)
    found = (await rows(database, LAST))[0]
    assert (found["outcome"], "division by zero" in found["error"]) == ("FAILED", True)
