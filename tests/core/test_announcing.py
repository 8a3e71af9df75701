"""NOTIFY is never sent within a transaction nor more than ten times a second, and none is forgotten."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from core.announcing import PERIOD_SECONDS, Announcement, announce_after
from core.database import Database

CHANNEL = "test"
FIRST = Announcement(CHANNEL, "first")


@asynccontextmanager
async def heard(database_url: str) -> AsyncIterator[asyncio.Queue[str]]:
    """The payloads of the notifications, as they arrive."""
    arrived: asyncio.Queue[str] = asyncio.Queue()
    connection = await asyncpg.connect(database_url)
    await connection.add_listener(CHANNEL, lambda *notification: arrived.put_nowait(notification[3]))
    try:
        yield arrived
    finally:
        await connection.close()


async def _all_of(arrived: asyncio.Queue[str]) -> list[str]:
    """Those that arrive until none has arrived for three periods."""
    found = []
    with suppress(TimeoutError):
        while True:
            found.append(await asyncio.wait_for(arrived.get(), 3 * PERIOD_SECONDS))
    return found


async def test_many_announcements_are_sent_together(database: Database, database_url: str) -> None:
    """One at once, one in each period, and one after the last."""
    async with heard(database_url) as arrived:
        began = time.monotonic()
        for _ in range(100):
            database.announce(FIRST)
            await asyncio.sleep(0.005)
        received = await _all_of(arrived)
        periods = math.ceil((time.monotonic() - began) / PERIOD_SECONDS)
    assert 2 <= len(received) <= periods + 1


async def test_an_announcement_within_the_period_is_sent_later(database: Database, database_url: str) -> None:
    """It is not lost."""
    async with heard(database_url) as arrived:
        database.announce(FIRST)
        await arrived.get()
        database.announce(Announcement(CHANNEL, "more"))
        async with asyncio.timeout(5):
            assert await arrived.get() == "more"


async def test_an_announcement_is_sent_after_the_commit(database: Database, database_url: str) -> None:
    """A listener then finds the rows."""
    async with heard(database_url) as arrived:
        async with database.write() as session:
            announce_after(session, FIRST)
            assert await _all_of(arrived) == []
        async with asyncio.timeout(5):
            assert await arrived.get() == "first"


async def test_a_rolled_back_transaction_announces_nothing(database: Database, database_url: str) -> None:
    """A listener would find no rows."""

    async def fail() -> None:
        async with database.write() as session:
            announce_after(session, FIRST)
            raise RuntimeError

    async with heard(database_url) as arrived:
        with pytest.raises(RuntimeError):
            await fail()
        assert await _all_of(arrived) == []


async def test_closing_sends_the_remaining_announcements(database_url: str) -> None:
    """Also those of a command that ends at once."""
    async with heard(database_url) as arrived:
        own = Database.connect(database_url, name="test", pool_size=1)
        own.announce(Announcement(CHANNEL, "before"))
        await arrived.get()
        own.announce(FIRST)
        await own.close()
        async with asyncio.timeout(5):
            assert await arrived.get() == "first"


async def test_an_unavailable_database_loses_one_announcement_only(database: Database, database_url: str) -> None:
    """That only costs time; the next one is sent."""
    own = Database.connect(database_url.replace("/var/", "/nowhere/").replace("/tmp/", "/nowhere/"), name="test")
    own.announce(FIRST)
    await own.close()
    async with heard(database_url) as arrived:
        database.announce(FIRST)
        async with asyncio.timeout(5):
            assert await arrived.get() == "first"
