"""The tests' PostgreSQL behind a listener on loopback that speaks TLS, as servers of a hosting provider do.

The embedded build has no TLS: what it gets here has been decrypted.
"""

import asyncio
import shutil
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from deploy.postgres import Cluster
from tests.folders import open_folder
from tests.installation import until

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PASSWORD = "p@ss/w:o#d?%&="
CHUNK_BYTES = 65_536


class NetworkServer:
    """`was_encrypted` is about the latest connection."""

    def __init__(self, cluster: Cluster, certificate: Path, other_certificate: Path) -> None:
        self.certificate = certificate
        self.other_certificate = other_certificate
        self.was_encrypted = False
        self.port = self.direct_port = 0
        self._socket = str(cluster.socket_dir / ".s.PGSQL.5432")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self._context.set_alpn_protocols(["postgresql"])

    def url(self, query: str = "", *, user: str = "dealqueue", host: str = "127.0.0.1", port: int | None = None) -> str:
        return f"postgresql://{user}@{host}:{port or self.port}/postgres{query}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        plain = await asyncio.start_server(self._negotiate, "127.0.0.1", 0)
        direct = await asyncio.start_server(self._encrypted, "127.0.0.1", 0, ssl=self._context)
        self.port, self.direct_port = (one.sockets[0].getsockname()[1] for one in (plain, direct))
        try:
            yield
        finally:
            plain.close()
            direct.close()

    async def _negotiate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(8)
            self.was_encrypted = first == SSL_REQUEST
            if self.was_encrypted:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self._context)
                first = b""
            await self._carry(first, reader, writer)

    async def _encrypted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.was_encrypted = True
        with suppress(OSError):
            await self._carry(b"", reader, writer)

    async def _carry(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_unix_connection(self._socket)
        server.write(first)
        try:
            await asyncio.gather(_copy(reader, server), _copy(answers, writer))
        finally:
            server.close()
            writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK_BYTES):
        target.write(data)
        await target.drain()
    target.close()


@contextmanager
def with_certificates(cluster: Cluster) -> Iterator[NetworkServer]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    with open_folder() as folder:
        yield NetworkServer(cluster, _certificate(folder, "server"), _certificate(folder, "other"))


def _certificate(folder: Path, name: str) -> Path:
    """Self-signed, for 127.0.0.1 but no other name."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


@contextmanager
def with_password(cluster: Cluster) -> Iterator[str]:
    """A role of the server that must give its password; its name and password, as in a URL."""
    access = cluster.data_dir / "pg_hba.conf"
    before = access.read_text()
    access.write_text(f"local all secret scram-sha-256\n{before}")
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE secret LOGIN PASSWORD {}").format(sql.Literal(PASSWORD)))
        connection.execute("SELECT pg_reload_conf()")
        try:
            until(lambda: _is_refused(cluster), seconds=10, what="the server to ask for the password")
            yield f"secret:{quote(PASSWORD, safe='')}"
        finally:
            access.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE secret")


def _is_refused(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.url("postgres"), user="secret", password="wrong").close()
    except psycopg.OperationalError:
        return True
    return False
