"""The reason of a failed migration, and whether it may succeed later."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from migrations.failure import MigrationFailed, reason_of


@pytest.mark.parametrize(
    ("error", "reason", "is_refused"),
    [
        (
            asyncpg.DiskFullError("could not extend file: No space left on device\nHINT: Check free disk space."),
            "could not extend file: No space left on device. The disk of the database is full.",
            False,
        ),
        (
            asyncpg.ReadOnlySQLTransactionError("cannot execute DROP INDEX in a read-only transaction"),
            (
                "cannot execute DROP INDEX in a read-only transaction. The database is read-only: a migration needs "
                "the primary."
            ),
            True,
        ),
        (TimeoutError(), "no answer in time.", False),
        (ZeroDivisionError("division by zero"), "division by zero.", False),
    ],
)
def test_the_reason_is_the_servers_first_line(error: Exception, reason: str, is_refused: bool) -> None:
    """As the driver raises it, or as SQLAlchemy wraps it: without the statement and its values."""
    for raised in (error, DBAPIError("ALTER TABLE deals", {"secret": 1}, error)):
        assert reason_of(raised) == reason
        assert MigrationFailed("...", raised).is_refused is is_refused
