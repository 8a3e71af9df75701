"""Errors that are no outage are not translated: mistakes, errors of other code, deadlines, cancellation."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.direct import Statement
from core.errors import DatabaseNotReady
from tests.core.edges import Edge, by_fetch, by_write, every_edge, of_sqlalchemy

SLEEP = "SELECT pg_sleep(30)"
TWICE = "INSERT INTO notes VALUES (1), (1)"


@of_sqlalchemy
async def test_a_mistake_is_raised_as_sqlalchemy_raises_it(edge: Edge, notes: Database) -> None:
    """Operations distinguish violated constraints by it."""
    for sql, kind in ((TWICE, IntegrityError), ("SELEC", ProgrammingError), ("SELECT 1 / 0", DBAPIError)):
        with pytest.raises(kind):
            await edge(notes, sql)


async def test_a_mistake_is_raised_as_the_driver_raises_it(notes: Database) -> None:
    """By `fetch`, which sends statements straight to the driver."""
    mistakes = (
        (TWICE, asyncpg.UniqueViolationError),
        ("SELEC", asyncpg.PostgresSyntaxError),
        ("SELECT 1 / 0", asyncpg.DivisionByZeroError),
    )
    for sql, kind in mistakes:
        with pytest.raises(kind):
            await by_fetch(notes, sql)


async def test_a_violated_constraint_at_the_commit_is_a_mistake(notes: Database) -> None:
    """As one that is violated by the statement."""
    await notes.run(text("ALTER TABLE notes DROP CONSTRAINT notes_n_key, ADD UNIQUE (n) INITIALLY DEFERRED"))
    with pytest.raises(IntegrityError):
        await by_write(notes, TWICE)


async def test_a_value_that_cannot_be_sent_is_a_mistake(database: Database) -> None:
    """The driver finds out before the database does; SQLAlchemy wraps what it raises."""
    with pytest.raises(asyncpg.DataError):
        await database.fetch(Statement("SELECT CAST(:n AS int)"), {"n": "none"})
    with pytest.raises(DBAPIError) as raised:
        await database.run(text("SELECT CAST(:n AS int)"), {"n": "none"})
    assert isinstance(raised.value.driver_exception, asyncpg.DataError)


@every_edge
async def test_a_database_without_tables_is_not_ready(edge: Edge, database: Database) -> None:
    """Neither unavailable nor a mistake: it is not migrated."""
    with pytest.raises(DatabaseNotReady, match='relation "nothing" does not exist'):
        await edge(database, "SELECT * FROM nothing")


@pytest.mark.parametrize("begin", [Database.read, Database.write])
@pytest.mark.parametrize(
    "error", [OSError("cut"), TimeoutError(), RuntimeError()], ids=lambda error: type(error).__name__
)
async def test_the_errors_of_a_block_that_are_not_the_databases_pass_through(
    database: Database, begin: Callable[[Database], AbstractAsyncContextManager[AsyncSession]], error: Exception
) -> None:
    """HubSpot's, for example, while a session is open."""

    async def fail_inside() -> None:
        async with begin(database) as session:
            await session.execute(text("SELECT 1"))
            raise error

    with pytest.raises(type(error)) as raised:
        await fail_inside()
    assert raised.value is error


@every_edge
async def test_the_callers_own_deadline_stays_a_timeout(edge: Edge, database: Database) -> None:
    """It cancels the statement, which is no outage."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await edge(database, SLEEP)


@every_edge
async def test_a_cancelled_caller_is_cancelled(edge: Edge, database: Database) -> None:
    """A process that stops does not report its own cancellation as an outage."""
    task = asyncio.create_task(cast("Any", edge(database, SLEEP)))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
