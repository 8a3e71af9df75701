"""Where a deal is, in words, given its id, its HubSpot id or its HubSpot URL."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, select

from models import ACTIVE, SyncReject
from models.deal_address import FIND_DEALS, AmbiguousDealAddress, DealAddress, InvalidDealAddress
from resolvers.context import RequestContext
from resolvers.deal_sentences import DealSituation, format_time, queued_sentence, state_sentence
from resolvers.deal_state import StateWord
from resolvers.errors import BadInput
from resolvers.missing_deal import missing_deal
from resolvers.queue import DEAL_COLUMNS, FIRST_DATE, deals
from resolvers.queue_position import queue_position
from resolvers.rows import DealRow, DealState
from resolvers.run_controls import run_controls


class WhereaboutsRow(NamedTuple):
    """`deal` is None if it is not stored; `position` is None unless the deal waits in the queue."""

    words: str
    deal: DealRow | None = None
    position: int | None = None


class _Found(NamedTuple):
    """`reject_error` is set if HubSpot's latest record of the deal could not be read."""

    deal: DealRow
    archived_at: datetime | None
    merged_into: str | None
    purged_at: datetime | None
    reject_error: str | None


_FIND = FIND_DEALS.with_only_columns(
    *DEAL_COLUMNS,
    case((deals.c.archived_at < FIRST_DATE, deals.c.properties_read_at), else_=deals.c.archived_at),
    deals.c.merged_into,
    deals.c.purged_at,
    select(SyncReject.error).where(SyncReject.record_key == deals.c.hubspot_deal_id).scalar_subquery(),
)


async def find_whereabouts(context: RequestContext, text: str) -> WhereaboutsRow:
    """BadInput when the text names no deal. A number that is the id of two deals is answered in words."""
    try:
        address = DealAddress.parse(text)
        row = address.only(await context.database.run(_FIND, address.parameters()))
    except InvalidDealAddress as error:
        raise BadInput(str(error)) from error
    except AmbiguousDealAddress as error:
        return WhereaboutsRow(str(error))
    if row is None:
        return WhereaboutsRow(await _missing_sentence(context, address))
    found = _Found(DealRow._make(row[: len(DEAL_COLUMNS)]), *row[len(DEAL_COLUMNS) :])
    state = await context.loaders.states.load(found.deal.id)
    outdated = f" What is shown may be outdated: {_rejected_sentence(found.reject_error)}" if found.reject_error else ""
    if departed := _departed_sentence(found):
        return WhereaboutsRow(f"{departed}{outdated}", found.deal)
    situation = await _situation(context, state)
    if state.word in {StateWord.WAITING, StateWord.LATE} and state.latest_run is not None:
        place = await queue_position(context.database, state.latest_run.id)
        return WhereaboutsRow(f"{queued_sentence(place, situation)}{outdated}", found.deal, place.position)
    return WhereaboutsRow(f"{state_sentence(situation)}{outdated}", found.deal)


async def _situation(context: RequestContext, state: DealState) -> DealSituation:
    step, run = state.last_step, state.latest_run
    detail = await context.loaders.detail(step) if step else None
    controls = await run_controls(context.database, run.id) if run and run.status in ACTIVE else None
    return DealSituation(state, step, detail, controls)


async def _missing_sentence(context: RequestContext, address: DealAddress) -> str:
    if address.hubspot_deal_id is None:
        return f"There is no deal {address.own_id}."
    sync = await missing_deal(context.database, address.hubspot_deal_id)
    if sync.reject_error:
        return _rejected_sentence(sync.reject_error)
    if sync.last_sync_at is None:
        return "The sync has not seen this deal: no sync has finished yet."
    backfill = "" if sync.backfilled else " The backfill has not finished yet."
    return (
        f"The sync has not seen this deal. The last sync ended at {format_time(sync.last_sync_at)}; "
        f"one runs every {context.sync_interval_seconds} s.{backfill}"
    )


def _rejected_sentence(error: str) -> str:
    return f"HubSpot's record of this deal could not be read: {error}"


def _departed_sentence(found: _Found) -> str | None:
    if found.merged_into:
        return f"Merged into HubSpot deal {found.merged_into}."
    if found.purged_at:
        return f"HubSpot no longer has this deal; the sync detected this at {format_time(found.purged_at)}."
    if found.archived_at:
        return f"In HubSpot's recycle bin since {format_time(found.archived_at)}."
    return None
