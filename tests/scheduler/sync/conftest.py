"""A sandbox of 450 deals for each file of tests, and a small account whose clock and faults a test controls."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from core.database import Database
from crm import retries
from crm.client import HubSpot
from scheduler.context import JobContext
from tests.completeness.account import Account, account
from tests.completeness.schedulers import SmallPages, leading
from tests.hubspot import Sandbox, sandbox_process
from tests.scheduler.contexts import leading_context
from tests.scheduler.sync.stored import DEALS, SMALL


@pytest.fixture(scope="module")
def hubspot() -> Iterator[Sandbox]:
    with sandbox_process("--deals", str(DEALS), "--search-per-second", "1000", "--burst", "10000") as sandbox:
        yield sandbox


@pytest.fixture
async def context(database: Database, client: HubSpot) -> JobContext:
    """Of a scheduler that leads, and processes every deal of the backfill."""
    return await leading_context(database, client, backfill_process="all")


@pytest.fixture(scope="module")
def small_sandbox() -> Iterator[Account]:
    with account(deals=SMALL) as running:
        yield running


@pytest.fixture
def small(small_sandbox: Account) -> Account:
    """The account as it was at its start."""
    small_sandbox.start_again()
    return small_sandbox


@pytest.fixture
async def small_context(database: Database, small: Account) -> AsyncIterator[JobContext]:
    """Of a scheduler that leads and syncs the small account, in pages of four deals; retries do not wait."""
    with stamina.set_testing(True, attempts=retries.ATTEMPTS):
        async with leading(database, small, SmallPages, backfill_process="all") as context:
            yield context
