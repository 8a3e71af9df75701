"""The first contact with an account: deals created since then are new, by HubSpot's clock."""

from datetime import timedelta

from scheduler.context import JobContext
from scheduler.leadership import check_fence
from scheduler.sync.search_scan import DATE_HEADER_STEP
from scheduler.sync.sync_state import SyncStateRow, create_state, load_state


async def ensure_state(context: JobContext) -> SyncStateRow:
    """The stored state, or the one created by the first contact. CrmError when HubSpot does not answer."""
    state = await load_state(context.database)
    return await _first_contact(context) if state is None else state


async def _first_contact(context: JobContext) -> SyncStateRow:
    """The second of two callers gets the row that the first one created."""
    found = await context.crm.search_deals(modified_since=context.clock.now(), after_id=0, limit=1)
    settle = timedelta(seconds=context.settings.settle_seconds)
    async with context.database.write() as session:
        await create_state(session, found.server_time - DATE_HEADER_STEP, settle)
        await check_fence(session, context.fence)
    state = await load_state(context.database)
    if state is None:
        raise AssertionError("The row was created, and no statement deletes it")
    return state
