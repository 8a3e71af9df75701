"""Batch economy: whoever reads one deal reads the next ones of the queue along with it, for a few calls more.

What was read waits in deal_snapshots, where any worker finds it, and is used within a minute. `deals` itself is
written by the sync alone. All of this only saves calls: where anything is unclear the deal is read by itself.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.database import Database
from crm import paths, responses
from crm.client import Associated, BatchResult, HubSpot
from crm.errors import BadResponse, CrmError, RecordError
from crm.properties import COMPANY_PROPERTIES, CONTACT_PROPERTIES, LINE_ITEM_PROPERTIES
from crm.records import CrmRecord, DealRecord, Properties, parse_deal
from crm.responses import Version
from pipeline.snapshots import Taken, Waiting, drop, put, reserve, take
from pipeline.stages.redaction import redacted_contact, redacted_line_item, redacted_properties

log = structlog.get_logger()

CONTACTS, COMPANIES, LINE_ITEMS = "contacts", "companies", "line_items"
# Its history is read along with the deal.
STAGE_PROPERTY = "dealstage"
# One batch read of each type; deals with more of one kind are told in `truncated`.
MOST_OF_A_KIND = 100
# Where each kind is, and what is read of it.
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    CONTACTS: (paths.CONTACTS, CONTACT_PROPERTIES),
    COMPANIES: (paths.COMPANIES, COMPANY_PROPERTIES),
    LINE_ITEMS: (paths.LINE_ITEMS, LINE_ITEM_PROPERTIES),
}
# Below the stage's own timeout, so that there is time to read the deal by itself.
BATCH_SECONDS = 12.0
# How long a deal waits for the batch that has it, and how often it looks.
PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.1


@dataclass(frozen=True, slots=True)
class Around:
    """A deal's properties, and the records of each kind around it; `truncated` are kinds of which it has more.

    `stage_history` is newest first. From a batch, what is hidden is redacted already.
    """

    read_at: datetime
    properties: Properties
    stage_history: Sequence[Version]
    records: Mapping[str, BatchResult]
    truncated: Sequence[str]


class _Found(NamedTuple):
    deal: DealRecord
    stage_history: Sequence[Version]


async def hydrated(database: Database, crm: HubSpot, deal_id: int, hidden: Collection[str]) -> Around | None:
    """The deal as a batch has read it within the last minute, this one's own if need be; None to read it by itself.

    Of what the rulebook hides nothing is stored on the way either.
    """
    try:
        found = await _wait_for(database, deal_id)
        if found is None and (batch := await reserve(database, deal_id)):
            await _read(database, crm, batch, hidden)
            found = await take(database, deal_id)
    except (OSError, SQLAlchemyError) as error:
        log.warning("hydration.failed", error=str(error))
        return None
    return _around(found) if found and found.content else None


async def _wait_for(database: Database, deal_id: int) -> Taken | None:
    """What is stored, if need be as soon as the batch that reads it is done."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    found = await take(database, deal_id)
    while found and not found.content and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        found = await take(database, deal_id)
    return found


async def _read(database: Database, crm: HubSpot, batch: Sequence[Waiting], hidden: Collection[str]) -> None:
    """Store what HubSpot has of the batch; of what it does not have, and after an error, nothing is left."""
    ids = {deal.hubspot_deal_id: deal.deal_id for deal in batch}
    try:
        async with asyncio.timeout(BATCH_SECONDS):
            found = await read_around(crm, list(ids), hidden)
        await put(database, [(ids[deal.id], deal.modified_at, content) for deal, content in found])
        log.info("deals.hydrated", wanted=len(ids), found=len(found))
    except (CrmError, TimeoutError) as error:
        log.warning("hydration.failed", error=str(error) or type(error).__name__)
    finally:
        await drop(database, list(ids.values()))


async def read_around(
    crm: HubSpot, hubspot_deal_ids: Sequence[str], hidden: Collection[str]
) -> list[tuple[DealRecord, dict[str, object]]]:
    """The live ones among these deals, each with the content of its snapshot."""
    batch = await crm.read_deals(hubspot_deal_ids, history=(STAGE_PROPERTY,))
    # A deal under another id than was asked for was merged: whoever asks for it by itself is told so.
    read = [found for raw in batch.records if (found := _live(raw)) and found.deal.id in set(hubspot_deal_ids)]
    ids = [found.deal.id for found in read]
    linked = {kind: await _associated(crm, ids, where) for kind, (where, _) in KINDS.items()}
    records = {
        kind: await _records(crm, where, linked[kind], properties) for kind, (where, properties) in KINDS.items()
    }
    return [(found.deal, _content(found, linked, records, hidden)) for found in read]


def _live(raw: Mapping[str, object]) -> _Found | None:
    try:
        deal = parse_deal(raw)
        history = responses.read(responses.History, raw).properties_with_history
    except (RecordError, BadResponse):
        return None
    return None if deal.archived else _Found(deal, history.get(STAGE_PROPERTY, []))


async def _associated(crm: HubSpot, ids: Sequence[str], to_type: str) -> dict[str, Associated]:
    found = await crm.associations(paths.DEALS, ids, to_type)
    return {deal_id: Associated(tuple(dict.fromkeys(entry.id for entry in found[deal_id]))) for deal_id in ids}


async def _records(
    crm: HubSpot, where: str, linked: Mapping[str, Associated], properties: Sequence[str]
) -> dict[str, CrmRecord]:
    wanted = dict.fromkeys(other for associated in linked.values() for other in associated.ids[:MOST_OF_A_KIND])
    return {record.id: record for record in (await crm.batch_read(where, wanted, properties)).records}


def _content(
    read: _Found,
    linked: Mapping[str, Mapping[str, Associated]],
    records: Mapping[str, Mapping[str, CrmRecord]],
    hidden: Collection[str],
) -> dict[str, object]:
    around = {kind: linked[kind][read.deal.id] for kind in KINDS}
    return {
        "properties": redacted_properties(read.deal.properties, hidden),
        "stage_history": [[version.value, version.timestamp] for version in read.stage_history],
        "records": {
            # In HubSpot's order, which JSONB does not keep of keys.
            kind: [
                [other, _kept(kind, record.properties, hidden)]
                for other in _few(around[kind])
                if (record := records[kind].get(other))
            ]
            for kind in KINDS
        },
        "missing": {kind: [other for other in _few(around[kind]) if other not in records[kind]] for kind in KINDS},
        "truncated": [kind for kind in KINDS if is_truncated(around[kind])],
    }


def _kept(kind: str, properties: Properties, hidden: Collection[str]) -> Properties:
    if kind == CONTACTS:
        return redacted_contact(properties, hidden)
    return redacted_line_item(properties, hidden) if kind == LINE_ITEMS else properties


def _few(associated: Associated) -> Sequence[str]:
    return associated.ids[:MOST_OF_A_KIND]


def is_truncated(associated: Associated) -> bool:
    return not associated.complete or len(associated.ids) > MOST_OF_A_KIND


def _around(found: Taken) -> Around:
    """From what `_content` made."""
    content = found.content or {}
    records = {
        kind: BatchResult(
            [CrmRecord(identifier, properties, archived=False) for identifier, properties in content["records"][kind]],
            content["missing"][kind],
        )
        for kind in KINDS
    }
    history = [Version(value=value, timestamp=timestamp) for value, timestamp in content["stage_history"]]
    return Around(found.read_at, content["properties"], history, records, content["truncated"])
