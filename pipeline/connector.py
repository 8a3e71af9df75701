"""Lets Procrastinate's documented `configure(connection=...)` take our asyncpg-backed session.

Procrastinate has connectors for psycopg only; a job deferred through this one commits or rolls back with the
session's own transaction. Works for statements with named `%(name)s` placeholders, which is all it ever gets.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson
from procrastinate import PsycopgConnector, exceptions
from procrastinate.types import JobToDefer
from sqlalchemy.ext.asyncio import AsyncSession

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class BridgedConnector(PsycopgConnector):
    async def execute_query_one_async_with_connection(
        self, connection: Any, query: str, **arguments: Any
    ) -> dict[str, Any]:
        rows = await self.execute_query_all_async_with_connection(connection, query, **arguments)
        if not rows:
            raise exceptions.NoResult
        return rows[0]

    async def execute_query_all_async_with_connection(
        self, connection: Any, query: str, **arguments: Any
    ) -> list[dict[str, Any]]:
        if not isinstance(connection, AsyncSession):
            rows: list[dict[str, Any]] = await super().execute_query_all_async_with_connection(
                connection, query, **arguments
            )
            return rows
        sql, values = numbered(query, arguments)
        # Through SQLAlchemy, not the bare driver: only a statement of its own makes it begin the transaction.
        result = await (await connection.connection()).exec_driver_sql(sql, tuple(values))
        return [dict(row) for row in result.mappings()]


def numbered(query: str, arguments: dict[str, Any]) -> tuple[str, list[Any]]:
    """The query with $1, $2, ... for its named placeholders, and their values in that order.

    >>> numbered("SELECT %(b)s, %(a)s, %(b)s", {"a": 1, "b": 2})
    ('SELECT $1, $2, $1', [2, 1])
    """
    names = list(dict.fromkeys(_PLACEHOLDER.findall(query)))
    sql = _PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", query)
    return sql, [_encode(arguments[name]) for name in names]


def _encode(value: Any) -> Any:
    """As asyncpg wants it: composites as tuples, JSON as text."""
    if isinstance(value, JobToDefer):
        return tuple(_encode(item) for item in value)
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_encode(item) for item in value]
    return value
