"""Waits for the database and migrates it to this release, before any process starts."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from core.address import Address
from core.database import Database, reach
from core.errors import DatabaseUnavailable
from core.session_settings import SessionSettings
from deploy.errors import StartError
from migrations.head import HEAD_REVISION

WAIT_SECONDS = 60
POLL_SECONDS = 0.5

Notice = Callable[[str], object]


def wait_for_server(url: str, *, timeout_seconds: float = WAIT_SECONDS, notice: Notice = print) -> None:
    """Return once the server can be used; StartError when it stays unavailable, ConfigurationError when it refuses.

    `notice` is told at once why it must be waited for.
    """
    asyncio.run(_wait(url, time.monotonic() + timeout_seconds, notice))


async def _wait(url: str, deadline: float, notice: Notice) -> None:
    database = Database.connect(url, name="start", pool_size=1)
    told = False
    try:
        while True:
            try:
                await reach(database, creates=True)
            except DatabaseUnavailable as error:
                problem = f"DATABASE_URL: no PostgreSQL answers at {database.address.place}: {error}"
                if time.monotonic() > deadline:
                    raise StartError(problem) from None
                if not told:
                    notice(f"{problem}. Waiting for it.")
                told = True
                await asyncio.sleep(POLL_SECONDS)
            else:
                return
    finally:
        await database.close()


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
