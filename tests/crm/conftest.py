"""The client against the sandbox, a process of its own, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from core.database import Database
from tests.hubspot import Sandbox, sandbox_process


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", "40", "--burst", "10000", "--search-per-second", "1000") as sandbox:
        yield sandbox


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """One for each process."""
    connected = [Database.connect(database_url, name=f"process {number}", pool_size=2) for number in range(4)]
    yield connected
    await asyncio.gather(*(each.close() for each in connected))
