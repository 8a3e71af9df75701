"""The ways to send a statement to the database."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from core.database import Database
from core.direct import Statement

Edge = Callable[[Database, str], Awaitable[object]]


async def by_run(database: Database, sql: str) -> None:
    await database.run(text(sql))


async def by_fetch(database: Database, sql: str) -> None:
    await database.fetch(Statement(sql), {})


async def by_read(database: Database, sql: str) -> None:
    async with database.read() as session:
        await session.execute(text(sql))


async def by_write(database: Database, sql: str) -> None:
    async with database.write() as session:
        await session.execute(text(sql))


async def by_savepoint(database: Database, sql: str) -> None:
    async with database.write() as session, session.begin_nested():
        await session.execute(text(sql))


EDGES = (by_run, by_fetch, by_read, by_write, by_savepoint)
every_edge = pytest.mark.parametrize("edge", EDGES)
of_sqlalchemy = pytest.mark.parametrize("edge", [edge for edge in EDGES if edge is not by_fetch])
