"""What people read of an error holds neither SQL nor the values of rows, is one line and bounded; so are tracebacks."""

import asyncio
from collections.abc import Mapping

import psycopg
import pytest
from sqlalchemy import text

from core.database import Database
from core.direct import Statement
from core.error_text import LINE_CHARACTERS, TRACEBACK_CHARACTERS, formatted, line
from tests.core.edges import Edge, every_edge, of_sqlalchemy

VALUE = "canary@example.org"
# Each makes PostgreSQL repeat the value, in its message or in DETAIL.
MISTAKES = {
    f"INSERT INTO people VALUES ('{VALUE}'), ('{VALUE}')": "duplicate key value violates unique constraint",
    f"INSERT INTO people VALUES ('{VALUE}', -1)": "violates check constraint",
    f"SELECT CAST('{VALUE}' AS int)": "invalid input syntax for type integer",
    f"SELECT CAST('{VALUE}' AS timestamptz)": "invalid input syntax for type timestamp with time zone",
    f"SELECT CAST('[{VALUE}' AS jsonb)": "invalid input syntax for type json",
    f"SELECT CAST('{VALUE}' AS run_status)": "invalid input value for enum run_status",
}


@pytest.fixture
async def people(database: Database) -> Database:
    await database.run(text("CREATE TABLE people (email text UNIQUE, age int CHECK (age > 0))"))
    return database


async def _mistake(edge: Edge, database: Database, sql: str) -> Exception:
    with pytest.raises(Exception, match=r".") as raised:
        await edge(database, sql)
    return raised.value


@every_edge
async def test_an_error_of_the_database_is_one_line_without_sql_and_values(edge: Edge, people: Database) -> None:
    """On every way to send a statement."""
    for sql, expected in MISTAKES.items():
        said = line(await _mistake(edge, people, sql))
        assert expected in said
        assert VALUE not in said
        assert "\n" not in said
        assert "INSERT" not in said
        assert "SELECT" not in said


@pytest.mark.parametrize("statement", ["SELECT CAST(:value AS int)", "SELECT CAST(:value AS timestamptz)"])
async def test_a_value_that_cannot_be_sent_is_not_repeated(database: Database, statement: str) -> None:
    """The driver's own message contains it."""
    values: Mapping[str, object] = {"value": VALUE}
    for sending in (database.run(text(statement), values), database.fetch(Statement(statement), values)):
        with pytest.raises(Exception, match="invalid input for query argument") as raised:
            await sending
        assert line(raised.value) == "invalid input for query argument $1"
        assert VALUE not in formatted(raised.value)


@of_sqlalchemy
async def test_a_traceback_holds_no_values(edge: Edge, people: Database) -> None:
    """Neither in the error nor in those that led to it; it still names the error and the place in our code."""
    for sql in list(MISTAKES)[:4]:
        whole = formatted(await _mistake(edge, people, sql))
        assert VALUE not in whole
        assert "tests/core/edges.py" in whole
        assert "asyncpg.exceptions." in whole


async def test_values_of_many_rows_are_not_in_the_text_of_an_error(people: Database) -> None:
    """SQLAlchemy's own text holds the statement with all of its parameters."""
    rows = [{"email": f"{VALUE}{n % 50}"} for n in range(100)]
    with pytest.raises(Exception, match="duplicate key") as raised:
        async with people.write() as session:
            await session.execute(text("INSERT INTO people VALUES (:email)"), rows)
    assert VALUE not in str(raised.value).partition("DETAIL")[0] + formatted(raised.value)
    assert len(line(raised.value)) < 100


async def test_errors_of_psycopg_are_read_the_same(database_url: str) -> None:
    """Those of the queue."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        with pytest.raises(psycopg.Error) as raised:
            await connection.execute(f"SELECT CAST('{VALUE}' AS int)".encode())
    assert line(raised.value) == "invalid input syntax for type integer"


def test_texts_are_bounded() -> None:
    """Of any error, also of one with many causes; the end of a traceback is kept."""
    error = ValueError("x" * 100_000)
    assert len(line(error)) == LINE_CHARACTERS
    for _ in range(30):
        outer = ValueError("y" * 5_000)
        outer.__cause__, error = error, outer
    last = KeyError("last")
    last.__cause__ = error
    assert len(formatted(last)) < TRACEBACK_CHARACTERS + 10
    assert formatted(last).endswith("builtins.KeyError: 'last'")


def test_an_error_without_text_is_named() -> None:
    """By its class."""
    assert line(TimeoutError()) == "no answer in time"
    assert line(asyncio.CancelledError()) == "CancelledError"
    assert line(ValueError(" \n ")) == "ValueError"
