"""One PostgreSQL: read sessions without a transaction, write sessions that are exactly one transaction.

Every statement and every connection attempt raises DatabaseUnavailable when the database is unavailable;
core/unavailable.py defines which errors those are, and which are the caller's mistakes.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import structlog
from sqlalchemy import URL, Executable, Row, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from core.address import Address
from core.announcing import Announcement, Announcer, announcements_of
from core.direct import Connect, Direct, Statement
from core.error_text import line
from core.errors import (
    ConfigurationError,
    ConnectionRejected,
    DatabaseNewer,
    DatabaseNotReady,
    DatabaseReadOnly,
    DatabaseUnavailable,
)
from core.renewal import Renewal
from core.server import check_server
from core.session_settings import SessionSettings
from core.unavailable import Pool, translate_errors_of

log = structlog.get_logger()

# A silent network must not block a process indefinitely: asyncpg has no limit of its own, and has waited over 25 s.
COMMAND_TIMEOUT_SECONDS = 15

_WRITABLE = Statement("SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable")
_REVISION = text("SELECT version_num FROM alembic_version")


def engine_at(address: Address, connect: Connect, **options: Any) -> AsyncEngine:
    """SQLAlchemy's engine. Its errors hold no values: they are stored and shown."""
    url = URL.create("postgresql+asyncpg", database=address.database)
    connection = {"async_creator_fn": connect} | options.pop("connect_args", {})
    return create_async_engine(url, hide_parameters=True, connect_args=connection, **options)


class Database:
    """Two pools: SQLAlchemy's for `read()`, `write()` and `run()`, and the driver's own for `fetch()`."""

    def __init__(
        self, address: Address, engine: AsyncEngine, direct: Direct, settings: SessionSettings, renewal: Renewal
    ) -> None:
        """`engine` is in AUTOCOMMIT mode: a read is one round trip, without BEGIN and ROLLBACK around it."""
        self.address = address
        self.engine = engine
        self.settings = settings
        self.renewal = renewal
        self._direct = direct
        self._announcer = Announcer(direct)
        self._read = async_sessionmaker(engine, expire_on_commit=False)
        transactional = engine.execution_options(isolation_level="READ COMMITTED")
        self._write = async_sessionmaker(transactional, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, name: str, pool_size: int = 5, direct_size: int = 2) -> "Database":
        """`name` appears in pg_stat_activity. Nothing is connected before the first statement.

        `fetch` and `announce` share up to `direct_size` connections of their own.
        """
        address = Address.of(url)
        connection: dict[str, Any] = {
            "command_timeout": COMMAND_TIMEOUT_SECONDS,
            "server_settings": {"application_name": f"{address.application_name} {name}"},
        }
        settings, renewal = SessionSettings(), Renewal()
        connect = partial(settings.connect, address)
        engine = engine_at(
            address,
            connect,
            poolclass=Pool,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
            json_serializer=lambda value: orjson.dumps(value, default=_plain).decode(),
            json_deserializer=json.loads,
            connect_args=connection,
        )
        translate_errors_of(engine, renewal)
        renewal.renew_those_of(engine)
        return cls(address, engine, Direct(connect, renewal, size=direct_size, **connection), settings, renewal)

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
        """As `run`, straight to the driver, for statements that run for every deal: a tenth of the CPU.

        Mistakes are raised as asyncpg's errors, where the other methods raise SQLAlchemy's.
        """
        return await self._direct.fetch(statement, values)

    async def check_writable(self) -> None:
        """DatabaseReadOnly when the server of either pool accepts no writes; its connections are replaced then.

        A standby answers every read, and keeps the connections of a process that only reads.
        """
        answers = (await self.run(_WRITABLE.text))[0][0], (await self.fetch(_WRITABLE, {}))[0]["writable"]
        if not all(answers):
            self.renewal.demand()
            raise DatabaseReadOnly("the server accepts no writes: it is a standby, or read-only")

    def announce(self, announcement: Announcement) -> None:
        """Send a NOTIFY soon, in the background; several are sent together."""
        self._announcer.announce(announcement)

    async def close(self) -> None:
        try:
            await self._announcer.close()
            await self._direct.close()
        finally:
            await self.engine.dispose()


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


async def wait_for_database(
    database: Database, *, revision: str | None = None, pause_seconds: float = 0.5, creates: bool = False
) -> None:
    """Return once the database accepts writes and, if `revision` is given, is migrated to it.

    A process waits rather than exits while PostgreSQL is unavailable or the migration runs, because supervisord stops
    restarting a program that exits repeatedly. ConfigurationError for what no waiting changes, such as a database that
    a later release has migrated; `creates` as in core/server.py.
    """
    waited, is_checked = 0, False
    while True:
        try:
            if not is_checked:
                await reach(database, creates=creates)
                is_checked = True
            if revision is not None:
                await check_revision(database, revision)
        except DatabaseNewer as error:
            raise ConfigurationError(str(error)) from error
        except (DatabaseUnavailable, DatabaseNotReady) as error:
            if waited % 20 == 0:
                log.warning("database.waiting", reason=str(error))
            waited += 1
            await asyncio.sleep(pause_seconds)
        else:
            return


async def reach(database: Database, *, creates: bool = False) -> None:
    """One attempt, by both drivers; DatabaseUnavailable when another one may succeed."""
    try:
        await database.check_writable()
    except ConnectionRejected as error:
        raise ConfigurationError(f"DATABASE_URL: {error}.") from error
    await check_server(database.address, creates=creates)


async def check_revision(database: Database, revision: str) -> None:
    """DatabaseNotReady when the database is not at this revision, DatabaseUnavailable when it cannot be written."""
    await database.check_writable()
    found = await _revision(database)
    # Revisions are numbers of four digits.
    if found.isdigit() and found > revision:
        raise DatabaseNewer(
            f"The database is at revision {found}, and this release knows those to {revision}: a later release has "
            "migrated it. Start that release, downgrade with it, or set DATABASE_URL to another database."
        )
    if found != revision:
        raise DatabaseNotReady(f"The database is at revision {found}; this release needs {revision}.")


async def check_not_earlier(database: Database, earlier: Collection[str]) -> None:
    """As `check_revision`, for a command: a later release may have migrated the database while this one still works."""
    found = await _revision(database)
    if found in {"none", *earlier}:
        raise DatabaseNotReady(
            f"The database is at revision {found}, of an earlier release. `python -m migrations` migrates it."
        )


async def _revision(database: Database) -> str:
    try:
        rows = await database.run(_REVISION)
    except ProgrammingError as error:
        raise DatabaseNotReady(f"The database's revision cannot be read: {line(error)}") from error
    return str(rows[0].version_num) if rows else "none"
