"""The client against the sandbox, a process of its own, over real HTTP."""

from collections.abc import AsyncIterator, Iterator

import pytest

from crm.client import HubSpot
from tests.crm.account import Account
from tests.hubspot import Sandbox, sandbox_process


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", "40", "--burst", "10000", "--search-per-second", "1000") as sandbox:
        yield sandbox


@pytest.fixture
async def client(hubspot: Sandbox) -> AsyncIterator[HubSpot]:
    async with hubspot.client() as opened:
        yield opened


@pytest.fixture
def account(hubspot: Sandbox) -> Iterator[Account]:
    """Somebody who works in HubSpot while the tests look on."""
    with Account(hubspot) as working:
        yield working
