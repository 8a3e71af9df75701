"""Whatever the cause of an outage and the way of a statement, the caller gets DatabaseUnavailable."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from sqlalchemy import text

import core.database
from core.database import Database
from core.errors import ConnectionRejected, DatabaseUnavailable
from core.unavailable import answer_within
from tests.core.edges import Edge, by_fetch, by_run, by_write, every_edge, of_sqlalchemy
from tests.factories import one, rows

SLEEP = "SELECT pg_sleep(30)"
_SLEEPING = "FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
RUNNING = f"SELECT pid {_SLEEPING}"
CUT = f"SELECT pg_terminate_backend(pid) {_SLEEPING}"
# As SQLSTATEs: a full disk, too many connections, a failed serialization, a deadlock, a read-only server,
# a lock that was not free, a cancelled statement, a server that shuts down or starts, a lost connection, a broken disk.
CODES = ("53100", "53300", "40001", "40P01", "25006", "55P03", "57014", "57P01", "57P03", "08006", "58030")


@pytest.fixture
async def narrow(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """One connection in each pool, and a short wait for a free one."""
    monkeypatch.setattr("core.direct._FREE_SECONDS", 0.1)
    narrow = Database.connect(database_url, name="narrow", pool_size=1, direct_size=1)
    cast("Any", narrow.engine.pool)._timeout = 0.1
    yield narrow
    await narrow.close()


async def _unavailable(edge: Edge, database: Database, sql: str = "SELECT 1") -> str:
    with pytest.raises(DatabaseUnavailable) as raised:
        await edge(database, sql)
    assert raised.value.__cause__ is not None
    return str(raised.value)


async def _until(database: Database, sql: str) -> None:
    """Wait until the statement returns rows."""
    for _ in range(500):
        if await rows(database, sql):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"no rows in time: {sql}")


@every_edge
@pytest.mark.parametrize(
    ("url", "message"),
    [("postgresql://nobody@127.0.0.1:1/none", "Connect call failed"), ("postgresql:///none?host=/nowhere", "No such")],
)
async def test_a_server_that_does_not_exist(edge: Edge, url: str, message: str) -> None:
    """No port listens, no socket exists."""
    absent = Database.connect(url, name="test")
    assert message in await _unavailable(edge, absent)
    await absent.close()


@every_edge
async def test_a_server_that_closes_the_connection(edge: Edge) -> None:
    """While the connection is being established."""
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        closing = Database.connect(f"postgresql://nobody@127.0.0.1:{port}/none", name="test")
        await _unavailable(edge, closing)
        await closing.close()


@every_edge
async def test_a_server_that_rejects_the_connection(edge: Edge, database_url: str) -> None:
    """With its own subclass: a start that waits for the database need not wait for this."""
    stranger = Database.connect(database_url.replace("dealqueue@", "nobody_here@"), name="test")
    with pytest.raises(ConnectionRejected, match='role "nobody_here" does not exist'):
        await edge(stranger, "SELECT 1")
    await stranger.close()


@every_edge
async def test_a_connection_that_is_lost_during_a_statement(edge: Edge, database: Database) -> None:
    """The next statement gets a new one."""
    cut = asyncio.create_task(_unavailable(edge, database, SLEEP))
    await _until(database, CUT)
    await cut
    await edge(database, "SELECT 1")


@of_sqlalchemy
async def test_a_connection_that_was_lost_while_it_was_idle(edge: Edge, narrow: Database, database: Database) -> None:
    """It is replaced before the statement: the pool's ping still raises what SQLAlchemy expects."""
    await edge(narrow, "SELECT 1")
    cut = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE '% narrow'")
    assert await database.run(cut)
    await edge(narrow, "SELECT 1")


@every_edge
async def test_a_pool_without_a_free_connection(edge: Edge, narrow: Database, database: Database) -> None:
    """A caller of either pool waits for a limited time."""
    narrow_edge = by_fetch if edge is by_fetch else by_run
    holding = asyncio.create_task(cast("Any", narrow_edge(narrow, SLEEP)))
    await _until(database, RUNNING)
    await _unavailable(edge, narrow)
    holding.cancel()
    await asyncio.wait({holding})


@every_edge
async def test_a_statement_that_is_not_answered_in_time(
    edge: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the connection's own limit, which the driver reports as a bare TimeoutError."""
    monkeypatch.setattr(core.database, "COMMAND_TIMEOUT_SECONDS", 1)
    impatient = Database.connect(database_url, name="test")
    assert await _unavailable(edge, impatient, SLEEP) == "no answer in time"
    await impatient.close()


@every_edge
async def test_a_server_that_cannot_execute_the_statement_now(edge: Edge, database: Database) -> None:
    """By the class of its SQLSTATE."""
    for code in CODES:
        raising = f"DO $$ BEGIN RAISE EXCEPTION '{code}' USING ERRCODE = '{code}'; END $$"
        assert await _unavailable(edge, database, raising) == code


async def test_a_deadlock(notes: Database) -> None:
    """Of two transactions that wait for each other one fails, and the other is committed."""
    await notes.run(text("INSERT INTO notes VALUES (1), (2)"))
    both_have_one = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with notes.write() as session:
            for n in (first, second):
                await session.execute(text("SELECT n FROM notes WHERE n = :n FOR UPDATE"), {"n": n})
                if n == first:
                    await both_have_one.wait()

    ends = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["DatabaseUnavailable", "NoneType"]


async def test_a_commit_that_fails(notes: Database) -> None:
    """An error that occurs only at the commit is translated as well, and nothing of the block is stored."""
    await notes.run(text(FULL_AT_COMMIT))
    await notes.run(text("CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON notes INITIALLY DEFERRED "
                         "FOR EACH ROW EXECUTE FUNCTION full_disk()"))  # fmt: skip
    assert await _unavailable(by_write, notes, "INSERT INTO notes VALUES (1)") == "not now"
    assert await one(notes, "SELECT count(*) FROM notes") == 0


FULL_AT_COMMIT = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'disk_full'; END $$
"""


async def test_a_deadline_for_statements_counts_as_an_outage(database: Database) -> None:
    """For callers that cannot wait as long as the connection's own limit."""
    with pytest.raises(DatabaseUnavailable, match=r"no answer within 0\.1 s"):
        async with answer_within(0.1):
            await by_run(database, SLEEP)
