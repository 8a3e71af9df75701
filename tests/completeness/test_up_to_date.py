"""No finding is out of date: edits, dates that pass, and what the product itself writes, through sync and runs."""

from core.database import Database
from tests.completeness.account import Account
from tests.completeness.at_work import at_work

DEALS = 100


async def test_what_is_written_back_starts_no_further_run(database: Database, hubspot: Account) -> None:
    """A hundred deals come to rest with one note each, and stay there over ten syncs."""
    async with at_work(database, hubspot, write_back=True) as installation:
        assert await installation.work() == DEALS
        notes = hubspot.notes()
        assert [await installation.sync_and_work() for _ in range(10)] == [0] * 10
        assert hubspot.notes() == notes
        assert set(notes.values()) == {1}
