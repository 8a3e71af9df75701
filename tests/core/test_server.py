"""A server that the product cannot use is refused at the start in one sentence: encoding, release, rights, poolers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.address import Address
from core.database import Database, wait_for_database
from core.errors import ConfigurationError, DatabaseUnavailable
from core.refusals import STATEMENT_POOL, TRANSACTION_POOL
from core.server import ServerState, _check, check_server
from deploy.postgres import Cluster
from tests.core.test_entry import start
from tests.crash.silent_proxy import proxied
from tests.installation import free_port
from tests.pooler import pooler

GOOD = ServerState(
    "UTF8", "18.0", 18, is_standby=False, process=1, backend="1", role="me", schema="public", may_use=True,
    may_create=True,
)  # fmt: skip


async def refused(url: str, *, creates: bool = False) -> str:
    with pytest.raises(ConfigurationError) as raised:
        await check_server(Address.of(url, {}), creates=creates)
    return str(raised.value)


@contextmanager
def encoded(cluster: Cluster, encoding: str) -> Iterator[str]:
    name = f"encoded_{encoding.lower()}"
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        options = f"TEMPLATE template0 ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C'"
        connection.execute(sql.SQL("CREATE DATABASE {} ").format(sql.Identifier(name)) + sql.SQL(options))
        yield cluster.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "WIN1252"])
async def test_another_encoding_than_utf8_is_refused(cluster: Cluster, encoding: str) -> None:
    """Names and texts of HubSpot could not be stored, or not be read again."""
    with encoded(cluster, encoding) as url:
        said = await refused(url)
    assert said.startswith(f"DATABASE_URL: the database's encoding is {encoding}, and Deal Queue needs UTF8; create")


@pytest.mark.parametrize("command", ["api", "deploy.run"])
def test_each_process_exits_with_the_sentence(cluster: Cluster, tmp_path: Path, command: str) -> None:
    """Exit code 2: no restart helps. The API as well, which otherwise serves while it waits."""
    with encoded(cluster, "SQL_ASCII") as url:
        done = start(tmp_path, command, DATABASE_URL=url, HUBSPOT_TOKEN="pat-x", PORT=str(free_port()))
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("DATABASE_URL: the database's encoding is SQL_ASCII, and Deal Queue needs UTF8")
    assert done.stderr.count("\n") == 1


async def test_a_role_that_may_not_create_tables_or_not_use_them_is_refused(
    cluster: Cluster, database_url: str, empty_database_url: str
) -> None:
    """Only the owner of a database may create tables in it, since PostgreSQL 15; where they are, a grant suffices."""
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN")
        empty, full = (url.replace("dealqueue@", "guest@") for url in (empty_database_url, database_url))
        assert await refused(empty, creates=True) == (
            "DATABASE_URL: the role guest may not create tables in the schema public; "
            "allow it with GRANT CREATE ON SCHEMA public TO guest."
        )
        await check_server(Address.of(empty, {}))
        assert (await refused(full)).startswith(
            "DATABASE_URL: the role guest may not use the tables of Deal Queue; use "
        )
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO guest")
            await check_server(Address.of(full, {}), creates=True)
            owner.execute("DROP OWNED BY guest")
        nowhere = f"{empty_database_url}&options=-c%20search_path%3Dnowhere"
        assert "names no schema that exists" in await refused(nowhere, creates=True)
        connection.execute("DROP ROLE guest")


def test_an_older_release_is_refused_and_a_standby_is_waited_for() -> None:
    """A standby may be promoted."""
    _check(GOOD._replace(major=15, version="15.0"))
    with pytest.raises(
        ConfigurationError, match=r"the server is PostgreSQL 14\.13, and Deal Queue needs 15 or later\.$"
    ):
        _check(GOOD._replace(major=14, version="14.13"))
    with pytest.raises(DatabaseUnavailable, match="the server is a standby"):
        _check(GOOD._replace(is_standby=True))


@pytest.mark.parametrize(
    ("mode", "size", "round_robin", "sentence"),
    [
        ("transaction", 20, False, TRANSACTION_POOL),
        ("transaction", 1, False, TRANSACTION_POOL),
        ("transaction", 20, True, TRANSACTION_POOL),
        ("statement", 20, False, STATEMENT_POOL),
    ],
)
async def test_a_pool_that_shares_connections_is_refused(
    cluster: Cluster, mode: str, size: int, round_robin: bool, sentence: str
) -> None:
    """Whichever of its connections it gives to the next client."""
    with pooler(cluster, mode, size=size, round_robin=round_robin) as base:
        assert await refused(f"{base}postgres") == f"DATABASE_URL: {sentence}."


async def test_a_busy_pool_that_shares_connections_is_refused(cluster: Cluster) -> None:
    """Other clients take and return its connections meanwhile."""
    with pooler(cluster, "transaction", size=4) as base:
        others = [asyncio.create_task(_use(f"{base}postgres")) for _ in range(6)]
        for _ in range(5):
            assert await refused(f"{base}postgres") == f"DATABASE_URL: {TRANSACTION_POOL}."
        for other in others:
            other.cancel()
        await asyncio.wait(others)


async def _use(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            await connection.execute("SELECT 1")


async def test_a_session_pool_is_accepted(cluster: Cluster) -> None:
    """Also while other clients come and go."""
    with pooler(cluster, "session") as base:
        for _ in range(5):
            await check_server(Address.of(f"{base}postgres", {}))


async def test_a_session_pool_that_is_too_small_is_named(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each connection of ours keeps one of the pool's."""
    monkeypatch.setattr("core.server.ANSWER_SECONDS", 0.3)
    with pooler(cluster, "session", size=1) as base, pytest.raises(DatabaseUnavailable, match="raise its pool size"):
        await check_server(Address.of(f"{base}postgres", {}))


async def test_a_process_that_waits_exits_for_a_transaction_pool(cluster: Cluster) -> None:
    """Also when another client's prepared statements are found first."""
    with pooler(cluster, "transaction") as base:
        for _ in range(3):
            database = Database.connect(f"{base}postgres", name="test")
            with pytest.raises(ConfigurationError, match="transaction mode"):
                await wait_for_database(database)
            await database.close()


async def test_a_startup_parameter_that_a_pooler_refuses_is_named(cluster: Cluster) -> None:
    """pgbouncer refuses `options` unless it is told to ignore it."""
    with pooler(cluster, "session") as base:
        database = Database.connect(f"{base}postgres?options=-c%20geqo%3Doff", name="test")
        with pytest.raises(ConfigurationError, match="unsupported startup parameter: options"):
            await wait_for_database(database)
        await database.close()


async def test_a_direct_connection_is_not_taken_for_a_pool(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs one comparison: the second connection is not made."""
    monkeypatch.setattr("core.server._check_pooler", None)
    await check_server(Address.of(database_url, {}))


async def test_a_server_that_falls_silent_does_not_hold_up_a_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has accepted the connection; the start waits for it, and says so."""
    monkeypatch.setattr("core.server.ANSWER_SECONDS", 0.2)
    silent = pytest.raises(DatabaseUnavailable, match="no answer in time")
    with proxied(database_url, silent_from=b"server_encoding") as network, silent:
        await check_server(Address.of(network.database_url, {}))
