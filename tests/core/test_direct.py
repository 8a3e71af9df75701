"""Statements that are sent straight to the driver: numbered values, JSON, and connections that are lost."""

import asyncio
import time
from contextlib import suppress

import pytest
from sqlalchemy import text

from core.database import Database
from core.direct import Statement
from core.errors import DatabaseUnavailable

OWN = Statement("SELECT pg_backend_pid() AS pid")
CUT = text("SELECT pg_terminate_backend(CAST(:pid AS integer), 5000)")


@pytest.mark.parametrize(
    ("sql", "numbered", "names"),
    [
        ("SELECT :b, :a, :b", "SELECT $1, $2, $1", ("b", "a")),
        ("SELECT CAST(:a AS text)::int", "SELECT CAST($1 AS text)::int", ("a",)),
        ("SELECT 1", "SELECT 1", ()),
    ],
)
def test_names_become_the_drivers_numbers(sql: str, numbered: str, names: tuple[str, ...]) -> None:
    """A value that is used twice is sent once; a cast is no name."""
    statement = Statement(sql)
    assert (statement.sql, statement.names) == (numbered, names)


def test_a_cast_that_a_session_would_parse_differently_is_refused() -> None:
    """SQLAlchemy finds no name in `:a::text`: the statement would have another meaning there."""
    with pytest.raises(ValueError, match="CAST"):
        Statement("SELECT :a::text")


async def test_the_rows_are_those_of_a_session(database: Database) -> None:
    """For the same statement and the same values; JSON as Python values."""
    statement = Statement("SELECT CAST(:number AS int) AS number, CAST(:json AS jsonb) AS json, :number + 1 AS next")
    values = {"number": 3, "json": '{"a": [1, null, "ä"]}', "unused": 1}
    found = await database.fetch(statement, values)
    async with database.read() as session:
        expected = (await session.execute(statement.text, {"number": 3, "json": values["json"]})).mappings().all()
    assert [dict(row) for row in found] == [dict(row) for row in expected]
    assert found[0]["json"] == {"a": [1, None, "ä"]}


async def test_each_statement_is_a_transaction_of_its_own(database: Database) -> None:
    """No commit is needed afterwards."""
    statement = Statement("SELECT CAST(pg_current_xact_id() AS text) AS id")
    first, second = [(await database.fetch(statement, {}))[0]["id"] for _ in range(2)]
    assert first != second


async def test_a_cut_connection_is_replaced(database: Database) -> None:
    """By the second statement at the latest: the first may detect the loss."""
    pid = (await database.fetch(OWN, {}))[0]["pid"]
    assert (await database.fetch(OWN, {}))[0]["pid"] == pid
    await database.run(CUT, {"pid": pid})
    with suppress(DatabaseUnavailable):
        await database.fetch(OWN, {})
    assert (await database.fetch(OWN, {}))[0]["pid"] != pid


async def test_more_callers_than_connections_wait_for_one(database: Database) -> None:
    """All of them get their rows."""
    slow = Statement("SELECT pg_sleep(0.01), CAST(:n AS int) AS n")
    found = await asyncio.gather(*(database.fetch(slow, {"n": n}) for n in range(50)))
    assert [rows[0]["n"] for rows in found] == list(range(50))


async def test_a_caller_that_is_cancelled_leaves_nothing_running(database: Database) -> None:
    """The next caller does not get a connection that still waits for an answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await database.fetch(Statement("SELECT pg_sleep(30)"), {})
    assert (await database.fetch(Statement("SELECT 1 AS one"), {}))[0]["one"] == 1
    await _none_is_left(database, "state = 'active' AND query = 'SELECT pg_sleep(30)'")


async def test_closing_ends_its_connections(database_url: str, database: Database) -> None:
    """No session is left on the server."""
    own = Database.connect(database_url, name="direct", direct_size=3)
    await asyncio.gather(*(own.fetch(OWN, {}) for _ in range(3)))
    await own.close()
    await _none_is_left(database, "application_name = 'deal-queue direct'")


async def _none_is_left(database: Database, which: str) -> None:
    """No session matches any more; the server needs a moment to end them."""
    counted = text(f"SELECT count(*) AS n FROM pg_stat_activity WHERE {which}")
    deadline = time.monotonic() + 5
    while left := (await database.run(counted))[0].n:
        assert time.monotonic() < deadline, f"{left} sessions are left"
        await asyncio.sleep(0.02)
