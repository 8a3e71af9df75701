"""A long statement has a time limit of its own, within the transaction of its session."""

import pytest
from sqlalchemy import text

from core import database as database_module
from core.database import Database
from core.direct import Statement
from core.errors import DatabaseUnavailable
from core.long_statement import execute_long
from tests.factories import one

SLEEP = Statement("SELECT pg_sleep(CAST(:seconds AS float8)), 1 AS n")


async def test_it_may_take_longer_than_other_statements(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And commits with its transaction."""
    monkeypatch.setattr(database_module, "COMMAND_TIMEOUT_SECONDS", 0.2)
    database = Database.connect(database_url, name="test", pool_size=1)
    async with database.write() as session:
        await session.execute(text("INSERT INTO repairs (kind, count, last_at) VALUES ('a', 1, now())"))
        assert (await execute_long(session, SLEEP, {"seconds": 0.4}, seconds=5))[0]["n"] == 1
    assert await one(database, "SELECT count(*) FROM repairs") == 1
    with pytest.raises(DatabaseUnavailable):
        await database.run(SLEEP.text, {"seconds": 0.4})
    await database.close()


async def test_it_is_cancelled_by_the_server_after_its_limit(database: Database) -> None:
    """The transaction is rolled back, and its connection stays usable."""

    async def store_and_sleep() -> None:
        async with database.write() as session:
            await session.execute(text("INSERT INTO repairs (kind, count, last_at) VALUES ('a', 1, now())"))
            await execute_long(session, SLEEP, {"seconds": 5}, seconds=0.1)

    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        await store_and_sleep()
    assert await one(database, "SELECT count(*) FROM repairs") == 0
    assert await one(database, "SHOW statement_timeout") == "0"
