"""Sends the statements of the hot path straight to asyncpg: with SQLAlchemy each takes ten times as much CPU."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import orjson
from sqlalchemy import text

from core.errors import DatabaseReadOnly, DatabaseUnavailable
from core.renewal import Renewal
from core.unavailable import translated

# Callers wait only when there are more of them than connections; a longer wait than this is an error.
_FREE_SECONDS = 5.0
_RELEASE_SECONDS = 1.0
_CLOSING_SECONDS = 2.0
_NAME = re.compile(r"(?<![:\w]):(\w+)")

# As asyncpg.connect.
Connect = Callable[..., Awaitable[Any]]


class Statement:
    """SQL with `:names`: `text` for a session; `sql` with the driver's `$1`, `$2`, ... for the values of `names`.

    >>> Statement("SELECT :b, CAST(:a AS text), :b").sql
    'SELECT $1, CAST($2 AS text), $1'
    """

    def __init__(self, sql: str) -> None:
        self.text = text(sql)
        self.names = tuple(dict.fromkeys(_NAME.findall(sql)))
        if set(self.names) != set(self.text.compile().params):
            raise ValueError(
                "SQLAlchemy finds other names in this statement: write CAST(:name AS type), not :name::type"
            )
        self.sql = _NAME.sub(lambda found: f"${self.names.index(found[1]) + 1}", sql)


class Direct:
    """A connection pool. Connections are opened when needed; each statement is prepared once per connection."""

    def __init__(self, connect: Connect, renewal: Renewal, *, size: int, **connection: Any) -> None:
        """`connection` holds the arguments of `connect`."""
        self._connect: Any = connect
        self._size = size
        self._connection = connection
        self._renewal = renewal
        self._generation = renewal.generation
        self._pool: Any = None

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[Mapping[str, Any]]:
        """One statement as its own transaction; its rows, with JSON as Python values."""
        arguments = [values[name] for name in statement.names]
        pool = await self._renewed()
        with translated(connecting=True):
            connection = await pool.acquire(timeout=_FREE_SECONDS)
        try:
            with translated():
                rows: list[Mapping[str, Any]] = await connection.fetch(statement.sql, *arguments)
        except DatabaseReadOnly:
            self._renewal.demand()
            raise
        finally:
            await _release(pool, connection)
        return rows

    async def _renewed(self) -> Any:
        """The pool, without the connections of an earlier generation."""
        pool = self._pool or await self._open()
        if self._generation != self._renewal.generation:
            self._generation = self._renewal.generation
            await pool.expire_connections()
        return pool

    async def _open(self) -> Any:
        # asyncpg 0.32 awaits nothing while it opens a pool without connections: two callers at once get the same pool.
        self._pool = asyncpg.create_pool(
            min_size=0,
            max_size=self._size,
            connect=self._connect,
            init=_decode_json,
            reset=_skip_reset,
            **self._connection,
        )
        return await self._pool

    async def close(self) -> None:
        """Wait a moment for running statements, then close their connections."""
        if self._pool is not None:
            # A connection that fails meanwhile is closed anyway.
            with suppress(DatabaseUnavailable), translated():
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._pool.close()


async def _release(pool: Any, connection: Any) -> None:
    """Release within a time limit: after a cancelled statement the pool waits until the server confirms its end.

    On a silent network it would wait in vain. A connection that cannot be released is closed, and the caller still gets
    its rows, its own error or its cancellation.
    """
    with suppress(DatabaseUnavailable), translated():
        await pool.release(connection, timeout=_RELEASE_SECONDS)


async def _decode_json(connection: Any) -> None:
    """JSON is sent as text and returned as Python values."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _skip_reset(_: Any) -> None:
    """Skip the round trip of asyncpg's reset: a statement that is its own transaction leaves no session state."""
