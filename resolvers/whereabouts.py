"""Where a deal is, in words, given its id, its HubSpot id or its HubSpot URL."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, or_, select

from models import ACTIVE
from resolvers.address import Address, read_address
from resolvers.context import RequestContext
from resolvers.deal_sentences import DealSituation, format_time, queued_sentence, state_sentence
from resolvers.deal_state import StateWord
from resolvers.missing_deal import missing_deal
from resolvers.queue import DEAL_COLUMNS, deals
from resolvers.queue_position import queue_position
from resolvers.rows import DealRow, DealState
from resolvers.run_controls import run_controls


class WhereaboutsRow(NamedTuple):
    """`deal` is None if it is not stored; `position` is None unless the deal waits in the queue."""

    words: str
    deal: DealRow | None = None
    position: int | None = None


class _Found(NamedTuple):
    deal: DealRow
    archived_at: datetime | None
    merged_into: str | None
    purged_at: datetime | None


# Where one number is the id of two deals, ours goes first: HubSpot's have ten digits and more.
_OWN_ID = bindparam("own_id", type_=BigInteger)
_FIND = (
    select(*DEAL_COLUMNS, deals.c.archived_at, deals.c.merged_into, deals.c.purged_at)
    .where(or_(deals.c.hubspot_deal_id == bindparam("hubspot_deal_id"), deals.c.id == _OWN_ID))
    .order_by((deals.c.id == _OWN_ID).desc().nulls_last())
    .limit(1)
)


async def find_whereabouts(context: RequestContext, text: str) -> WhereaboutsRow:
    """BadInput when the text names no deal."""
    address = read_address(text)
    rows = await context.database.run(_FIND, address._asdict())
    if not rows:
        return WhereaboutsRow(await _missing_sentence(context, address))
    found = _Found(DealRow._make(rows[0][: len(DEAL_COLUMNS)]), *rows[0][len(DEAL_COLUMNS) :])
    state = await context.loaders.states.load(found.deal.id)
    if departed := _departed_sentence(found):
        return WhereaboutsRow(departed, found.deal)
    situation = await _situation(context, state)
    if state.word in {StateWord.WAITING, StateWord.LATE} and state.latest_run is not None:
        place = await queue_position(context.database, state.latest_run.id)
        return WhereaboutsRow(queued_sentence(place, situation), found.deal, place.position)
    return WhereaboutsRow(state_sentence(situation), found.deal)


async def _situation(context: RequestContext, state: DealState) -> DealSituation:
    step, run = state.last_step, state.latest_run
    detail = await context.loaders.detail(step) if step else None
    controls = await run_controls(context.database, run.id) if run and run.status in ACTIVE else None
    return DealSituation(state, step, detail, controls)


async def _missing_sentence(context: RequestContext, address: Address) -> str:
    sync = await missing_deal(context.database, address.hubspot_deal_id)
    if sync.reject_error:
        return f"HubSpot's record of this deal could not be read: {sync.reject_error}"
    if sync.last_sync_at is None:
        return "The sync has not seen this deal: no sync has finished yet."
    backfill = "" if sync.backfilled else " The backfill has not finished yet."
    return (
        f"The sync has not seen this deal. The last sync ended at {format_time(sync.last_sync_at)}; "
        f"one runs every {context.sync_interval_seconds} s.{backfill}"
    )


def _departed_sentence(found: _Found) -> str | None:
    if found.merged_into:
        return f"Merged into HubSpot deal {found.merged_into}."
    if found.purged_at:
        return f"HubSpot no longer has this deal; the sync detected this at {format_time(found.purged_at)}."
    if found.archived_at:
        return f"In HubSpot's recycle bin since {format_time(found.archived_at)}."
    return None
