"""One PostgreSQL: short read sessions without a transaction, write sessions that are exactly one."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
import structlog
from sqlalchemy import URL, Executable, Row, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from core.announcing import Announcement, Announcer, announcements_of
from core.direct import Direct, Statement
from core.errors import DatabaseNotReady

log = structlog.get_logger()

# A silent link must not hold a process for ever: asyncpg has no limit of its own (reference: 25 s and more).
COMMAND_TIMEOUT_SECONDS = 15
LOCK_TIMEOUT_MILLISECONDS = 5_000
# A process frozen inside a transaction must not hold its locks; the server ends it.
IDLE_IN_TRANSACTION_MILLISECONDS = 10_000


def parse_url(url: str) -> URL:
    """`postgres://` and `postgresql[+driver]://` as a SQLAlchemy URL without a driver."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql")


def asyncpg_url(url: str) -> URL:
    return parse_url(url).set(drivername="postgresql+asyncpg")


def libpq_url(url: str) -> str:
    """For psycopg and the PostgreSQL command-line tools."""
    return parse_url(url).render_as_string(hide_password=False)


class Database:
    """Two pools: SQLAlchemy's, of which `read()` and `write()` each give a session of their own, and the driver's."""

    def __init__(self, engine: AsyncEngine, direct: Direct) -> None:
        """`engine` is in AUTOCOMMIT: a read is one round trip, without BEGIN and ROLLBACK around it."""
        self.engine = engine
        self._direct = direct
        self._announcer = Announcer(direct)
        self._read = async_sessionmaker(engine, expire_on_commit=False)
        transactional = engine.execution_options(isolation_level="READ COMMITTED")
        self._write = async_sessionmaker(transactional, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, name: str, pool_size: int = 5, direct_size: int = 2) -> "Database":
        """`name` is what pg_stat_activity shows. Nothing is connected before the first statement.

        `fetch` and `announce` have up to `direct_size` connections of their own, made when they are first needed.
        """
        connection: dict[str, Any] = {
            "command_timeout": COMMAND_TIMEOUT_SECONDS,
            "timeout": 10,
            "server_settings": {
                "application_name": f"deal-queue {name}",
                "lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MILLISECONDS),
            },
        }
        engine = create_async_engine(
            asyncpg_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
            json_serializer=_dump_json,
            json_deserializer=json.loads,
            connect_args=connection,
        )
        return cls(engine, Direct(libpq_url(url), size=direct_size, **connection))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self._read() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed at the end of the block, rolled back by an exception."""
        async with self._write.begin() as session:
            yield session
        for announcement in announcements_of(session):
            self.announce(announcement)

    async def run(self, statement: Executable, parameters: Mapping[str, object] | None = None) -> Sequence[Row[Any]]:
        """One statement as its own transaction, in one round trip; its rows."""
        async with self.engine.connect() as connection:
            result = await connection.execute(statement, parameters)
            return result.all() if result.returns_rows else ()

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[Mapping[str, Any]]:
        """As `run`, straight to the driver, for what is run for every deal: a tenth of the CPU, the driver's errors."""
        return await self._direct.fetch(statement, values)

    def announce(self, announcement: Announcement) -> None:
        """By NOTIFY, soon, and not more often than listeners need it."""
        self._announcer.announce(announcement)

    async def close(self) -> None:
        try:
            await self._announcer.close()
            await self._direct.close()
        finally:
            await self.engine.dispose()


def _dump_json(value: object) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


async def wait_for_database(database: Database, *, revision: str | None = None, pause_seconds: float = 0.5) -> None:
    """Return once the database answers and, when `revision` is given, is migrated to it.

    A process never dies because PostgreSQL is away or the migration still runs: supervisord would give up on it.
    """
    waited = 0
    while True:
        try:
            await _check(database, revision)
        except (OSError, DBAPIError, DatabaseNotReady) as error:
            if waited % 20 == 0:
                log.warning("database.waiting", reason=str(error).splitlines()[0])
            waited += 1
            await asyncio.sleep(pause_seconds)
        else:
            return


async def _check(database: Database, revision: str | None) -> None:
    async with database.read() as session:
        await session.execute(text("SELECT 1"))
        if revision is None:
            return
        if await session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            raise DatabaseNotReady("The database has no tables yet; `python -m migrations` creates them.")
        found = await session.scalar(text("SELECT version_num FROM alembic_version"))
        if found != revision:
            raise DatabaseNotReady(f"The database is at revision {found}, this release needs {revision}.")
