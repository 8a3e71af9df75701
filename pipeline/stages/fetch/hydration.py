"""Reading ahead: a worker that reads one deal reads the next ones of the queue in the same batch, to save calls.

The batch is stored in deal_snapshots, where every worker finds it, and is used within a minute. `deals` itself is
written by the sync alone. Batches only save calls: after any failure the deal is read by itself.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import structlog

from core.database import Database
from core.errors import DatabaseUnavailable
from crm import paths, responses
from crm.client import Associated, HubSpot
from crm.errors import BadResponse, CrmError, RecordError
from crm.history import History, Version
from crm.records import CrmRecord, DealRecord, parse_deal
from pipeline.stages.fetch.deal_content import MAX_RECORDS, RECORD_KINDS, STAGE_PROPERTY, DealContent, pack, unpack
from pipeline.stages.fetch.snapshots import Snapshot, WaitingDeal, release, reserve, store, take

log = structlog.get_logger()

# Below the stage's own timeout: it leaves the time to read the deal by itself.
BATCH_SECONDS = 12.0
# How long a deal waits for the batch that reads it, and how often it looks.
WAIT_SECONDS, POLL_SECONDS = 5.0, 0.1


class _LiveDeal(NamedTuple):
    deal: DealRecord
    stage_history: Sequence[Version]


async def hydrated(database: Database, crm: HubSpot, deal_id: int, hidden: Collection[str]) -> DealContent | None:
    """The deal as a batch has read it within the last minute, or as a batch reads it now; None to read it by itself.

    `hidden` is what the rulebook redacts: a snapshot holds none of it either.
    """
    try:
        found = await _wait_for(database, deal_id)
        if found is None and (batch := await reserve(database, deal_id)):
            await _store_batch(database, crm, batch, hidden)
            found = await take(database, deal_id)
    except DatabaseUnavailable as error:
        log.warning("hydration.failed", error=str(error))
        return None
    return unpack(found.read_at, found.content) if found and found.content else None


async def _wait_for(database: Database, deal_id: int) -> Snapshot | None:
    """The deal's snapshot; while another worker's batch is reading the deal, wait for that batch."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    found = await take(database, deal_id)
    while found and not found.content and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        found = await take(database, deal_id)
    return found


async def _store_batch(database: Database, crm: HubSpot, batch: Sequence[WaitingDeal], hidden: Collection[str]) -> None:
    """Store the deals that HubSpot returns; release the others, and all of them after an error."""
    ids = {deal.hubspot_deal_id: deal.deal_id for deal in batch}
    try:
        async with asyncio.timeout(BATCH_SECONDS):
            found = await _read_batch(crm, list(ids), hidden)
        await store(database, [(ids[deal.id], deal.modified_at, content) for deal, content in found])
        log.info("deals.hydrated", wanted=len(ids), found=len(found))
    except (CrmError, TimeoutError) as error:
        log.warning("hydration.failed", error=str(error) or type(error).__name__)
    finally:
        await release(database, list(ids.values()))


async def _read_batch(
    crm: HubSpot, hubspot_deal_ids: Sequence[str], hidden: Collection[str]
) -> list[tuple[DealRecord, dict[str, object]]]:
    """The live deals among these, each with the content of its snapshot."""
    read = await crm.read_deals(hubspot_deal_ids, history=(STAGE_PROPERTY,))
    # A deal with another id than the requested one was merged; reading the requested one by itself reports that.
    requested = set(hubspot_deal_ids)
    live = [found for raw in read.records if (found := _live(raw)) and found.deal.id in requested]
    ids = [found.deal.id for found in live]
    associated = {}
    for kind, (path, _) in RECORD_KINDS.items():
        listed = await crm.associations(paths.DEALS, ids, path)
        associated[kind] = {
            deal_id: Associated(tuple(dict.fromkeys(entry.id for entry in listed[deal_id]))) for deal_id in ids
        }
    records = {
        kind: await _records(crm, path, associated[kind], properties)
        for kind, (path, properties) in RECORD_KINDS.items()
    }
    batch = []
    for deal, stage_history in live:
        of_deal = {kind: associated[kind][deal.id] for kind in RECORD_KINDS}
        batch.append((deal, pack(deal, stage_history, of_deal, records, hidden)))
    return batch


def _live(raw: Mapping[str, object]) -> _LiveDeal | None:
    try:
        deal = parse_deal(raw)
        history = responses.read(History, raw).properties_with_history
    except (RecordError, BadResponse):
        return None
    return None if deal.archived else _LiveDeal(deal, history.get(STAGE_PROPERTY, []))


async def _records(
    crm: HubSpot, path: str, associated: Mapping[str, Associated], properties: Sequence[str]
) -> dict[str, CrmRecord]:
    ids = dict.fromkeys(identifier for of_deal in associated.values() for identifier in of_deal.ids[:MAX_RECORDS])
    return {record.id: record for record in (await crm.batch_read(path, ids, properties)).records}
