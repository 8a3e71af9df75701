"""The first contact with an account: from when on its deals are new, by HubSpot's clock."""

from datetime import timedelta

from scheduler.context import Context
from scheduler.leadership import check_fence
from scheduler.sync.search_scan import DATE_HEADER_STEP
from scheduler.sync.sync_state import State, create_state, load_state


async def known_state(context: Context) -> State:
    """The state; made now when there is none. CrmError when HubSpot does not tell its time."""
    state = await load_state(context.database)
    return await _first_contact(context) if state is None else state


async def _first_contact(context: Context) -> State:
    """Whoever comes second finds what the first has made."""
    found = await context.crm.search_deals(modified_since=context.clock.now(), after_id=0, limit=1)
    settle = timedelta(seconds=context.settings.settle_seconds)
    async with context.database.write() as session:
        await create_state(session, found.server_time - DATE_HEADER_STEP, settle)
        await check_fence(session, context.fence)
    state = await load_state(context.database)
    if state is None:
        raise AssertionError("The row was made, and nobody deletes it")
    return state
