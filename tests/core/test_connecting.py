"""Each parameter of DATABASE_URL has the same effect on both drivers; a failure that lasts is one sentence at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.address import Address
from core.connecting import connect
from core.database import Database, reach
from core.errors import ConfigurationError, DatabaseUnavailable
from deploy.postgres import Cluster
from tests.core.network_server import PASSWORD, NetworkServer, with_certificates, with_password
from tests.installation import free_port

SHOWN = """
SELECT current_user::text, current_setting('application_name'), current_setting('geqo')
"""


@pytest.fixture(scope="module")
def listener(cluster: Cluster) -> Iterator[NetworkServer]:
    with with_certificates(cluster) as made:
        yield made


@pytest.fixture
async def server(listener: NetworkServer) -> AsyncIterator[NetworkServer]:
    async with listener.serving():
        yield listener


@pytest.fixture(scope="module")
def secret(cluster: Cluster) -> Iterator[str]:
    with with_password(cluster) as user:
        yield user


async def seen(url: str, server: NetworkServer | None = None) -> tuple[Any, ...]:
    """What the server sees of a connection, and whether it was encrypted; the same of both drivers."""
    address = Address.of(url, {})
    connection = await connect(address)
    by_asyncpg = (*await connection.fetchrow(SHOWN), server and server.was_encrypted)
    await connection.close()
    async with await psycopg.AsyncConnection.connect(address.libpq()) as other:
        found = await (await other.execute(SHOWN)).fetchone()
        assert (*(found or ()), server and server.was_encrypted) == by_asyncpg
    return by_asyncpg


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("deal-queue", "on", True)),
        ("?sslmode=disable", ("deal-queue", "on", False)),
        ("?sslmode=allow", ("deal-queue", "on", False)),
        ("?sslmode=require", ("deal-queue", "on", True)),
        ("?ssl=true", ("deal-queue", "on", True)),
        ("?sslmode=require&ssl_min_protocol_version=TLSv1.3", ("deal-queue", "on", True)),
        ("?sslmode=require&channel_binding=prefer", ("deal-queue", "on", True)),
        ("?application_name=crm%20deals&connect_timeout=3", ("crm deals", "on", True)),
        ("?options=-c%20geqo%3Doff", ("deal-queue", "off", True)),
        ("?target_session_attrs=read-write", ("deal-queue", "on", True)),
        ("?target_session_attrs=primary&load_balance_hosts=random", ("deal-queue", "on", True)),
    ],
)
async def test_a_parameter_works_with_both_drivers(
    server: NetworkServer, query: str, expected: tuple[Any, ...]
) -> None:
    """The server sees the same of both."""
    assert await seen(server.url(query), server) == ("dealqueue", *expected)


async def test_tls_may_begin_without_negotiation(server: NetworkServer) -> None:
    """By both drivers."""
    url = server.url("?sslmode=require&sslnegotiation=direct", port=server.direct_port)
    assert (await seen(url, server))[-1]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_the_servers_certificate_is_verified(server: NetworkServer, mode: str) -> None:
    """With the certificate of its authority; another one is refused at once, and the reason is said."""
    query = f"?sslmode={mode}&sslrootcert="
    assert (await seen(server.url(f"{query}{server.certificate}"), server))[-1]
    said = await refused(server.url(f"{query}{server.other_certificate}"))
    assert said == "DATABASE_URL: the server's certificate is not trusted: self-signed certificate."


async def test_verify_full_verifies_the_name_and_verify_ca_does_not(server: NetworkServer) -> None:
    """The certificate is for 127.0.0.1, not for localhost."""
    query = f"&sslrootcert={server.certificate}"
    assert (await seen(server.url(f"?sslmode=verify-ca{query}", host="localhost"), server))[-1]
    said = await refused(server.url(f"?sslmode=verify-full{query}", host="localhost"))
    assert said.startswith("DATABASE_URL: the server's certificate is not trusted: Hostname mismatch")


async def test_any_password_works_with_both_drivers(server: NetworkServer, secret: str, tmp_path: Path) -> None:
    """Percent-encoded in the URL, or from a file."""
    assert (await seen(server.url(user=secret), server))[0] == "secret"
    file = tmp_path / "passwords"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"*:*:*:secret:{escaped}\n")
    file.chmod(0o600)
    assert (await seen(server.url(f"?passfile={file}", user="secret"), server))[0] == "secret"


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_a_socket_needs_no_tls(cluster: Cluster, mode: str) -> None:
    """Neither driver uses it there, nor needs the files of certificates."""
    assert (await seen(f"{cluster.url('postgres')}&sslmode={mode}"))[0] == "dealqueue"


@asynccontextmanager
async def silent_port() -> AsyncIterator[int]:
    """It accepts connections and never answers."""
    ended = asyncio.Event()

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    listening = await asyncio.start_server(keep, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    ended.set()
    listening.close()


async def test_the_first_host_that_answers_is_used(server: NetworkServer) -> None:
    """One that refuses connections and one that is silent are passed over, the latter after its own time.

    As libpq does; asyncpg's own time-out is for all hosts together.
    """
    async with silent_port() as silent:
        url = f"postgresql://dealqueue@127.0.0.1:{free_port()},127.0.0.1:{silent},127.0.0.1:{server.port}/postgres"
        connection = await connect(Address.of(f"{url}?connect_timeout=1&sslmode=disable", {}))
        assert await connection.fetchval("SELECT current_user::text") == "dealqueue"
        await connection.close()


@pytest.mark.parametrize("given", ["", "&target_session_attrs=any", "&target_session_attrs=read-write"])
async def test_of_several_hosts_one_that_can_be_written_to_is_used(server: NetworkServer, given: str) -> None:
    """Here all are read-only, as a standby is; a single one is not passed over unless that was asked for."""
    read_only = f"?options=-c%20default_transaction_read_only%3Don{given}"
    twice = server.url(read_only, host=f"127.0.0.1:{server.port},127.0.0.1")
    assert "read-write" in await waited_for(twice)
    with pytest.raises(psycopg.OperationalError, match="session is read-only"):
        await psycopg.AsyncConnection.connect(Address.of(twice, {}).libpq())
    if "read-write" not in given:
        assert await seen(server.url(read_only))


async def refused(url: str) -> str:
    """What a process that starts says, and exits."""
    database = Database.connect(url, name="test")
    try:
        with pytest.raises(ConfigurationError) as raised:
            await reach(database)
    finally:
        await database.close()
    return str(raised.value)


async def waited_for(url: str) -> str:
    """Why a process that starts waits."""
    database = Database.connect(url, name="test")
    try:
        with pytest.raises(DatabaseUnavailable) as raised:
            await reach(database)
    finally:
        await database.close()
    return str(raised.value)


async def test_what_lasts_until_a_person_changes_it_is_refused_at_once(server: NetworkServer, secret: str) -> None:
    """In one sentence, without a password."""
    refuses = "DATABASE_URL: PostgreSQL refuses the connection: "
    wrong = await refused(server.url(user="secret:hidden"))
    assert wrong == f'{refuses}password authentication failed for user "secret".'
    assert await refused(server.url(user="absent")) == f'{refuses}role "absent" does not exist.'
    absent = server.url().replace("/postgres", "/absent")
    assert await refused(absent) == f'{refuses}database "absent" does not exist.'
    unknown = await refused(server.url("?options=-c%20nothing%3D1"))
    assert unknown == f'{refuses}unrecognized configuration parameter "nothing".'
    invalid = await refused(server.url("?options=-c%20geqo%3Dmaybe"))
    assert invalid == f'{refuses}parameter "geqo" requires a Boolean value.'
    assert await refused("postgresql://me@a..b/db") == "DATABASE_URL: the host is not a valid name."
    long = await refused(f"postgresql://me@%2F{'x' * 200}/db")
    assert long == "DATABASE_URL: the path of the socket is too long."


async def test_a_server_without_tls_is_refused_if_tls_is_demanded() -> None:
    """It answers N, as PostgreSQL with ssl=off does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"N")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        said = await refused(f"postgresql://me@127.0.0.1:{port}/db?sslmode=require")
    assert said == "DATABASE_URL: the server offers no TLS, which sslmode demands."


async def test_what_may_pass_is_waited_for_and_said() -> None:
    """No server, no such name yet, no socket, a connection that is closed."""
    assert "Connect call failed" in await waited_for(f"postgresql://me@127.0.0.1:{free_port()}/db")
    assert "Name or service not known" in await waited_for("postgresql://me@nothing.invalid/db")
    assert "No such file" in await waited_for("postgresql://me@%2Fnonexistent/db")
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as closing:
        port = closing.sockets[0].getsockname()[1]
        assert await waited_for(f"postgresql://me@127.0.0.1:{port}/db?sslmode=require")
