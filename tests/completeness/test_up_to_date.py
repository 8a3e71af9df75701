"""No finding is out of date: edits, dates that pass, and what the product itself writes, through sync and runs."""

from collections.abc import Iterator

import pytest

from core.database import Database
from tests.completeness.account import Account, account
from tests.completeness.at_work import at_work

DEALS = 100


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Account]:
    with account(deals=DEALS) as running:
        yield running


@pytest.fixture
def hubspot(sandbox: Account) -> Account:
    sandbox.start_again()
    return sandbox


async def test_what_is_written_back_starts_no_further_run(database: Database, hubspot: Account) -> None:
    """A hundred deals come to rest with one note each, and stay there over ten syncs."""
    async with at_work(database, hubspot, write_back=True) as installation:
        assert await installation.work() == DEALS
        notes = hubspot.notes()
        assert [await installation.sync_and_work() for _ in range(10)] == [0] * 10
        assert hubspot.notes() == notes
        assert set(notes.values()) == {1}
