"""A table for the tests of the database."""

import pytest
from sqlalchemy import text

from core.database import Database


@pytest.fixture
async def notes(database: Database) -> Database:
    """The database with a table whose rows are unique."""
    await database.run(text("CREATE TABLE notes (n int UNIQUE)"))
    return database
