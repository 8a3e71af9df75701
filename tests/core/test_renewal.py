"""Connections are replaced at a greatest age, and all of them once a server has refused to write."""

import asyncio

import pytest

from core.database import Database
from core.direct import Statement
from core.errors import DatabaseReadOnly
from core.renewal import GREATEST_AGE_SECONDS, Renewal
from tests.core.edges import Edge, every_edge
from tests.factories import rows

# As a server does that has become a standby.
REFUSED = "DO $$ BEGIN RAISE EXCEPTION 'it is a standby' USING ERRCODE = '25006'; END $$"
SLOW_PID = "SELECT pg_backend_pid() AS pid, pg_sleep(0.2)"


async def _sessions(database: Database) -> set[int]:
    """Several of each pool, each busy at the same time."""
    run = asyncio.gather(*(rows(database, SLOW_PID) for _ in range(3)))
    fetched = asyncio.gather(*(database.fetch(Statement(SLOW_PID), {}) for _ in range(2)))
    return {found[0]["pid"] for found in await run} | {found[0]["pid"] for found in await fetched}


@every_edge
async def test_a_refused_write_replaces_the_connections_of_both_pools(edge: Edge, database: Database) -> None:
    """Those of the other pool are on the same server, and would be kept as long as they are only read."""
    before = await _sessions(database)
    assert before == await _sessions(database)
    with pytest.raises(DatabaseReadOnly, match="it is a standby"):
        await edge(database, REFUSED)
    assert not before & await _sessions(database)


async def test_a_connection_has_a_greatest_age(database: Database) -> None:
    """After it, each is replaced before it is used: a name may lead to another server by now."""
    now = 0.0
    renewal = Renewal(monotonic=lambda: now)
    first = renewal.generation
    now = GREATEST_AGE_SECONDS / 2
    assert renewal.generation == first
    now = GREATEST_AGE_SECONDS
    assert renewal.generation != first
    before = await _sessions(database)
    database.renewal.demand()
    assert not before & await _sessions(database)


async def test_a_server_that_accepts_writes_is_no_standby(database: Database) -> None:
    """Nothing is replaced by the question."""
    before = await _sessions(database)
    await database.check_writable()
    assert before == await _sessions(database)
