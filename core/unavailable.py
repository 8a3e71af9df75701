"""Translates the drivers' errors. No other module knows how a driver reports that the database is unavailable.

Callers of the database get two kinds of errors. DatabaseUnavailable: no connection, a lost one, none free in the pool,
a time-out, a deadlock, a full disk, a server that starts or stops. And their own mistakes, as the driver raises them:
a wrong statement, a violated constraint, a value that cannot be sent.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from core.error_text import driver_error, line
from core.errors import ConnectionRejected, DatabaseNotReady, DatabaseReadOnly, DatabaseUnavailable, DealQueueError
from core.refusals import refusal
from core.renewal import Renewal

# SQLSTATE classes: connection, transaction state (read-only), rollback (serialization failure, deadlock), resources
# (disk full, too many connections), lock not available, operator intervention (shutdown, time-out), system error.
_UNAVAILABLE_CLASSES = ("08", "25", "40", "53", "55", "57", "58")
# Without SQLSTATE: a closed connection, one out of step with the server, no free one, a socket's error, a time-out.
_UNAVAILABLE = (OSError, NoFreeConnection, asyncpg.InterfaceError, asyncpg.InternalClientError)
# A pooler in transaction mode gives a client's prepared statements to other clients.
_OF_POOLERS = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)


@contextmanager
def translated(*, connecting: bool = False) -> Iterator[None]:
    """Wrap calls of the driver only: inside the block an OSError or TimeoutError counts as the database's."""
    try:
        yield
    except Exception as error:
        if (translation := _translation(error, connecting=connecting)) is None:
            raise
        raise translation from error


@asynccontextmanager
async def answer_within(seconds: float) -> AsyncIterator[None]:
    """Wrap statements only: DatabaseUnavailable when they take longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DatabaseUnavailable(f"no answer within {seconds:.3g} s") from error


class Pool(AsyncAdaptedQueuePool):
    """SQLAlchemy raises the pool's time-outs and the socket's errors where a connection is acquired."""

    def connect(self) -> PoolProxiedConnection:
        with translated(connecting=True):
            return super().connect()


def translate_errors_of(engine: AsyncEngine, renewal: Renewal) -> None:
    """Translate the errors of all that the engine's connections do: statements, savepoints, commit, rollback.

    At the engine rather than around the blocks of `read()` and `write()`: such a block also contains other work of its
    caller, whose OSErrors and time-outs must not be translated and cannot be told from the driver's there.
    """

    def translated_by_engine(context: ExceptionContext) -> DealQueueError | None:
        # After a failed ping the pool reconnects by itself.
        if context.is_pre_ping:
            return None
        translation = _translation(context.sqlalchemy_exception or context.original_exception)
        if isinstance(translation, DatabaseReadOnly):
            renewal.demand()
        return translation

    event.listen(engine.sync_engine, "handle_error", translated_by_engine)


def _translation(error: BaseException, *, connecting: bool = False) -> DealQueueError | None:
    """The error that callers get instead of `error`; None when it is their own mistake."""
    driver = driver_error(error)
    if isinstance(driver, asyncpg.ReadOnlySQLTransactionError):
        return DatabaseReadOnly(line(driver))
    if (connecting or isinstance(driver, _OF_POOLERS)) and (refused := refusal(driver)) is not None:
        return ConnectionRejected(refused)
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if _is_unavailable(driver) or is_lost or (connecting and isinstance(driver, asyncpg.PostgresError)):
        return DatabaseUnavailable(_message(driver))
    if isinstance(driver, asyncpg.UndefinedTableError):
        # Before the first migration: the API, /readyz and commands report that, rather than a wrong statement.
        text = f"The database is not migrated: {line(driver)}. `python -m migrations` creates the tables."
        return DatabaseNotReady(text)
    return None


def _is_unavailable(driver: BaseException) -> bool:
    if isinstance(driver, asyncpg.PostgresError):
        # A migration has changed a table of a prepared statement: the next execution prepares it again.
        is_outdated = isinstance(driver, asyncpg.InvalidCachedStatementError)
        return is_outdated or driver.sqlstate is None or driver.sqlstate.startswith(_UNAVAILABLE_CLASSES)
    # Errors of asyncpg's that are also ValueErrors: a value that it cannot send, a URL that it cannot parse.
    is_mistake = isinstance(driver, asyncpg.InterfaceError) and isinstance(driver, ValueError)
    return isinstance(driver, _UNAVAILABLE) and not is_mistake


def _message(driver: BaseException) -> str:
    """SQLAlchemy's own about its pool ends with a link to its documentation."""
    return "no connection of the pool was free in time" if isinstance(driver, NoFreeConnection) else line(driver)
