"""Which errors are the database's and which are the stage's own, whichever way the statement went."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from core.direct import DRIVER_ERRORS, Statement
from pipeline.outcome import is_refusal

MISTAKES = {"SELECT 1 / :n": 0, "SELECT nothing FROM nowhere WHERE 1 = :n": 1}


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (asyncpg.DiskFullError("could not extend file"), True),
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), True),
        (asyncpg.UndefinedColumnError("no such column"), False),
        (asyncpg.UniqueViolationError("twice"), False),
        (ValueError("a stage's own"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_driver_raises_is_told_apart(error: Exception, refused: bool) -> None:
    """No connection, no space, no place: the database's. A statement that is wrong: the stage's."""
    assert is_refusal(error) is refused


@pytest.mark.parametrize("sql", MISTAKES)
async def test_a_mistake_is_one_both_ways(database: Database, sql: str) -> None:
    """By a session and straight to the driver."""
    with pytest.raises(DBAPIError) as by_session:
        await database.run(text(sql), {"n": MISTAKES[sql]})
    with pytest.raises(DRIVER_ERRORS) as directly:
        await database.fetch(Statement(sql), {"n": MISTAKES[sql]})
    assert (is_refusal(by_session.value), is_refusal(directly.value)) == (False, False)


async def test_a_value_that_cannot_be_sent_is_a_mistake(database: Database) -> None:
    """The driver finds out before the database does."""
    with pytest.raises(DRIVER_ERRORS) as raised:
        await database.fetch(Statement("SELECT CAST(:n AS int)"), {"n": "none"})
    assert not is_refusal(raised.value)
