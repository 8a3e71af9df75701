"""The times of sync_state, which only ever advance."""

from datetime import UTC, datetime, timedelta

from core.database import Database
from scheduler.sync.sync_state import FIRST_FLOOR, advance, create_state, forget_backfill, load_state

CONTACT = datetime(2026, 11, 1, 12, tzinfo=UTC)
SETTLE = timedelta(minutes=10)


async def created(database: Database, contact: datetime = CONTACT) -> None:
    async with database.write() as session:
        await create_state(session, contact, SETTLE)


async def test_the_watermark_begins_a_settle_bound_before_the_first_contact(database: Database) -> None:
    """There is one state, and a second first contact does not change it."""
    assert await load_state(database) is None
    await created(database)
    await created(database, CONTACT + timedelta(days=1))
    state = await load_state(database)
    assert state is not None
    assert (state.first_contact_at, state.tail_from, state.watermark) == (CONTACT, CONTACT, CONTACT - SETTLE)
    assert (state.backfilled_at, state.reconciled_at) == (None, None)


async def test_a_time_never_moves_back(database: Database) -> None:
    """A scan that started earlier may end later."""
    await created(database)
    for minutes in (5, 3):
        async with database.write() as session:
            await advance(session, "tail_from", CONTACT + timedelta(minutes=minutes))
    state = await load_state(database)
    assert state is not None
    assert state.tail_from == CONTACT + timedelta(minutes=5)


async def test_no_time_is_before_the_first_that_hubspot_can_search_from(database: Database) -> None:
    """A search from the epoch itself fails with 500."""
    await created(database, datetime(1970, 1, 1, tzinfo=UTC) + SETTLE)
    state = await load_state(database)
    assert state is not None
    assert state.watermark == FIRST_FLOOR


async def test_a_forgotten_backfill_is_due_again(database: Database) -> None:
    """The other times stay."""
    await created(database)
    async with database.write() as session:
        await advance(session, "backfilled_at", CONTACT)
        await advance(session, "reconciled_at", CONTACT)
        await forget_backfill(session)
    state = await load_state(database)
    assert state is not None
    assert (state.backfilled_at, state.reconciled_at) == (None, CONTACT)
