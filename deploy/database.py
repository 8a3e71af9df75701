"""Waits for the database and migrates it to this release, before any process starts."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from sqlalchemy import text

from core.address import Address
from core.database import Database
from core.errors import ConnectionRejected, DatabaseUnavailable
from core.logs import redact
from core.session_settings import SessionSettings
from deploy.errors import StartError
from migrations.head import HEAD_REVISION

WAIT_SECONDS = 60
POLL_SECONDS = 0.5


def wait_for_server(url: str, *, timeout_seconds: float = WAIT_SECONDS) -> None:
    """Return once the server accepts a connection; StartError when it refuses it or stays unavailable."""
    asyncio.run(_wait(url, time.monotonic() + timeout_seconds))


async def _wait(url: str, deadline: float) -> None:
    database = Database.connect(url, name="start", pool_size=1)
    try:
        while (problem := await _attempt(database)) is not None:
            if time.monotonic() > deadline:
                raise StartError(f"DATABASE_URL: no PostgreSQL answers at {Address.of(url).place}: {problem}")
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await database.close()


async def _attempt(database: Database) -> str | None:
    """The reason why there is no connection yet; None when there is one."""
    try:
        async with database.read() as session:
            await session.execute(text("SELECT 1"))
    except ConnectionRejected as error:
        raise StartError(f"DATABASE_URL: PostgreSQL refuses the connection: {redact(str(error))}") from None
    except DatabaseUnavailable as error:  # it is starting, or is unavailable
        return redact(str(error))
    return None


def is_current(url: str) -> bool:
    """Whether the tables are already those of this release, so that no migration needs to be started."""
    try:
        with psycopg.connect(Address.of(url).libpq(), autocommit=True) as connection:
            connection.execute(SessionSettings().statement.encode())
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.Error:  # no such table yet; the migration reports any other reason
        return False
    return found == (HEAD_REVISION,)


def migrate(environment: Mapping[str, str], log_file: Path) -> None:
    """Migrate the tables to this release; StartError ends with the last line of the migration's output."""
    with log_file.open("w") as log:
        done = subprocess.run(
            [sys.executable, "-m", "migrations"], env=environment, stdout=log, stderr=log, check=False
        )
    if done.returncode != 0:
        last = log_file.read_text(errors="replace").strip().splitlines()[-1:]
        raise StartError(f"The database could not be migrated (see {log_file}): {' '.join(last)}")
