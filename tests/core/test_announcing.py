"""NOTIFY: never within a transaction, never more often than ten times a second, and never forgotten."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from core.announcing import PERIOD_SECONDS, Announcement, announce_after
from core.database import Database, libpq_url

CHANNEL = "test"
NEWS = Announcement(CHANNEL, "news")


@asynccontextmanager
async def heard(database_url: str) -> AsyncIterator[asyncio.Queue[str]]:
    """The payloads, as they arrive."""
    arrived: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(libpq_url(database_url))
    await connection.add_listener(CHANNEL, lambda *told: arrived.put_nowait(told[3]))
    try:
        yield arrived
    finally:
        await connection.close()


async def _all_of(arrived: asyncio.Queue[str]) -> list[str]:
    """What has come by the time that nothing has come for three periods."""
    found = []
    with suppress(TimeoutError):
        while True:
            found.append(await asyncio.wait_for(arrived.get(), 3 * PERIOD_SECONDS))
    return found


async def test_many_are_few(database: Database, database_url: str) -> None:
    """One at once, one a period, and one after the last that was asked for."""
    async with heard(database_url) as arrived:
        began = time.monotonic()
        for _ in range(100):
            database.announce(NEWS)
            await asyncio.sleep(0.005)
        told = await _all_of(arrived)
        periods = math.ceil((time.monotonic() - began) / PERIOD_SECONDS)
    assert 2 <= len(told) <= periods + 1


async def test_the_last_of_them_is_told_though_it_came_too_soon(database: Database, database_url: str) -> None:
    """Within the period of another: later, not never."""
    async with heard(database_url) as arrived:
        database.announce(NEWS)
        await arrived.get()
        database.announce(Announcement(CHANNEL, "more"))
        async with asyncio.timeout(5):
            assert await arrived.get() == "more"


async def test_it_is_told_after_the_commit(database: Database, database_url: str) -> None:
    """Whoever hears of it finds it."""
    async with heard(database_url) as arrived:
        async with database.write() as session:
            announce_after(session, NEWS)
            assert await _all_of(arrived) == []
        async with asyncio.timeout(5):
            assert await arrived.get() == "news"


async def test_what_is_rolled_back_is_not_told(database: Database, database_url: str) -> None:
    """There is nothing to be found."""

    async def fail() -> None:
        async with database.write() as session:
            announce_after(session, NEWS)
            raise RuntimeError

    async with heard(database_url) as arrived:
        with pytest.raises(RuntimeError):
            await fail()
        assert await _all_of(arrived) == []


async def test_closing_tells_what_is_left(database_url: str) -> None:
    """A command that ends at once has told its news all the same."""
    async with heard(database_url) as arrived:
        own = Database.connect(database_url, name="test", pool_size=1)
        own.announce(Announcement(CHANNEL, "first"))
        await arrived.get()
        own.announce(NEWS)
        await own.close()
        async with asyncio.timeout(5):
            assert await arrived.get() == "news"


async def test_a_database_that_is_away_is_survived(database: Database, database_url: str) -> None:
    """The news is lost, which costs time only; the next is told."""
    own = Database.connect(database_url.replace("/var/", "/nowhere/").replace("/tmp/", "/nowhere/"), name="test")
    own.announce(NEWS)
    await own.close()
    async with heard(database_url) as arrived:
        database.announce(NEWS)
        async with asyncio.timeout(5):
            assert await arrived.get() == "news"
