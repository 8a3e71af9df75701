"""What people read of an error: one bounded line, without SQL and without the values of rows.

The drivers' errors contain both: the statement, its parameters, and DETAIL with the key or the whole row. A traceback
is for the operator; it names the statement's place in our code, and is bounded and without values as well.
"""

import re
import traceback
from types import TracebackType

import asyncpg
import psycopg
from sqlalchemy.exc import EmulatedDBAPIException, StatementError

LINE_CHARACTERS = 1_000
TRACEBACK_CHARACTERS = 20_000
_OF_A_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, psycopg.Error)
# Behind these the messages repeat a value: that which cannot be read, and that which cannot be sent.
_VALUE = re.compile(r"(?<=query argument \$)(\d+).*|: \".*", re.DOTALL)
# Text that is no value: PostgreSQL quotes the names of tables, roles and settings without a colon before them.
_DATA_ERRORS = ("22",)

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def driver_error(error: BaseException) -> BaseException:
    """The driver's error, which SQLAlchemy wraps up to twice."""
    if isinstance(error, StatementError | EmulatedDBAPIException) and error.orig is not None:
        return driver_error(error.orig)
    # SQLAlchemy's InvalidCachedStatementError holds the driver's error only as its cause.
    return error.__cause__ if isinstance(error, EmulatedDBAPIException) and error.__cause__ else error


def line(error: BaseException) -> str:
    """The error as a person reads it, never empty: what its kind means when it has no text.

    >>> line(ValueError("1 is too\\nsmall")), line(TimeoutError())
    ('1 is too small', 'no answer in time')
    """
    text = " ".join(_text(error).split())
    driver = driver_error(error)
    unnamed = "no answer in time" if isinstance(driver, TimeoutError) else type(driver).__name__
    return (text if len(text) <= LINE_CHARACTERS else f"{text[: LINE_CHARACTERS - 1]}…") or unnamed


def _text(error: BaseException) -> str:
    driver = driver_error(error)
    if driver is error and not isinstance(error, _OF_A_DRIVER):
        return str(error)
    first = str(driver).strip().partition("\n")[0]
    is_of_data = str(getattr(driver, "sqlstate", None) or "").startswith(_DATA_ERRORS)
    if is_of_data or not isinstance(driver, asyncpg.PostgresError | psycopg.Error):
        first = _VALUE.sub(lambda found: found[1] or "", first)
    return first


def formatted(error: BaseException) -> str:
    """The traceback of the error and of those that led to it, the first of them first."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append("".join([*traceback.format_tb(current.__traceback__), _named(current)]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    whole = "\n\n".join(reversed(parts))
    # The end says what happened; the beginning, where.
    half = TRACEBACK_CHARACTERS // 2
    return whole if len(whole) <= TRACEBACK_CHARACTERS else f"{whole[:half]}\n...\n{whole[-half:]}"


def _named(error: BaseException) -> str:
    group = [_named(inner) for inner in error.exceptions] if isinstance(error, BaseExceptionGroup) else []
    return "\n  ".join([f"{type(error).__module__}.{type(error).__qualname__}: {line(error)}", *group])


def formatted_information(exc_info: ExceptionInfo) -> str:
    """For structlog."""
    return formatted(exc_info[1])
