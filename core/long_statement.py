"""A statement that may take longer than all others, within the transaction of its session."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.direct import Statement
from core.unavailable import translated

# The server ends the statement first, so that the connection stays usable.
_GRACE_SECONDS = 5.0

_LIMIT = text("SELECT set_config('statement_timeout', :milliseconds, true)")


async def execute_long(
    session: AsyncSession, statement: Statement, values: Mapping[str, object], *, seconds: float
) -> list[Mapping[str, Any]]:
    """The rows of the statement; DatabaseUnavailable when it takes longer than `seconds`.

    The limit of the server holds until the transaction ends; that of the driver for this call only, which is why it is
    sent straight to the driver.
    """
    await session.execute(_LIMIT, {"milliseconds": str(round(seconds * 1000))})
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    with translated():
        arguments = [values[name] for name in statement.names]
        rows: list[Mapping[str, Any]] = await driver.fetch(statement.sql, *arguments, timeout=seconds + _GRACE_SECONDS)
    return rows
