"""The first contact with an account sets the time from which its deals are new."""

import asyncio

from core.database import Database
from crm.client import HubSpot
from scheduler.context import JobContext
from scheduler.leadership import Leadership
from scheduler.sync.first_contact import ensure_state
from scheduler.sync.sync_jobs import tail
from tests.completeness.account import Account
from tests.factories import rows
from tests.scheduler.contexts import leading_context


async def test_the_first_contact_is_fenced(database: Database, client: HubSpot) -> None:
    """A scheduler whose lease another one holds by then stores no state."""
    context = await leading_context(database, client)
    await Leadership(database, holder="test", ttl_seconds=600).tick()
    await tail(context)
    assert await rows(database, "SELECT 1 FROM sync_state") == []


async def test_the_second_caller_gets_the_state_that_the_first_one_created(
    small_context: JobContext, small: Account
) -> None:
    """Two syncs of different kinds may both begin before there is a state."""
    states = await asyncio.gather(ensure_state(small_context), ensure_state(small_context))
    small.advance(1_000)
    assert states[0] == states[1] == await ensure_state(small_context)
