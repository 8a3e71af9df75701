"""The statements of the hot path, straight to the driver: SQLAlchemy takes ten times as long for one as asyncpg."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
from sqlalchemy import text

# What the driver raises when the database does not do what it is asked to; a time-out and no connection are OSError.
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)

# As many callers as there are connections never wait; of more, one that waits longer than this has met a fault.
_FREE_SECONDS = 5.0
_CLOSING_SECONDS = 2.0
_NAME = re.compile(r"(?<![:\w]):(\w+)")


class Statement:
    """SQL with `:names`: as `text` for a session, as `sql` with the driver's `$1` for the values of `names`.

    >>> Statement("SELECT :b, CAST(:a AS text), :b").sql
    'SELECT $1, CAST($2 AS text), $1'
    """

    def __init__(self, sql: str) -> None:
        self.text = text(sql)
        self.names = tuple(dict.fromkeys(_NAME.findall(sql)))
        if set(self.names) != set(self.text.compile().params):
            raise ValueError("SQLAlchemy reads other names: write CAST(:name AS type), not :name::type")
        self.sql = _NAME.sub(lambda found: f"${self.names.index(found[1]) + 1}", sql)


class Direct:
    """Connections of its own, made when they are needed; each statement is prepared once for each of them."""

    def __init__(self, dsn: str, *, size: int, **connection: Any) -> None:
        """`connection` is what asyncpg.connect takes beside the address."""
        self._dsn = dsn
        self._size = size
        self._connection = connection
        self._pool: Any = None

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[Mapping[str, Any]]:
        """One statement as its own transaction; its rows, JSON as Python values. DRIVER_ERRORS or OSError."""
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=_FREE_SECONDS) as connection:
            rows: list[Mapping[str, Any]] = await connection.fetch(
                statement.sql, *[values[name] for name in statement.names]
            )
        return rows

    async def _open(self) -> Any:
        # Without a first connection to be made asyncpg 0.32 waits for nothing: two that open at once are one.
        self._pool = asyncpg.create_pool(
            self._dsn, min_size=0, max_size=self._size, init=_reads_json, reset=_nothing, **self._connection
        )
        return await self._pool

    async def close(self) -> None:
        """What is still under way after a moment is cut off."""
        if self._pool is not None:
            # A connection that breaks just now is closed as well.
            with suppress(OSError, *DRIVER_ERRORS):
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._pool.close()


async def _reads_json(connection: Any) -> None:
    """JSON goes in as text."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _nothing(_: Any) -> None:
    """Statements of one transaction each leave nothing behind that a round trip would have to clear away."""
