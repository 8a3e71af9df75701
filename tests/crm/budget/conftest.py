"""Several processes that share one budget: each has its own connections to one database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.database import Database


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """One for each process."""
    connected = [Database.connect(database_url, name=f"process {number}", pool_size=2) for number in range(4)]
    yield connected
    await asyncio.gather(*(each.close() for each in connected))
