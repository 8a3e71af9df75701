"""Reading ahead: a worker that reads one deal reads the next ones of the queue in the same batch, to save calls.

The batch is stored in deal_snapshots, where every worker finds it, and is used within a minute. `deals` itself is
written by the sync alone. The fetch of a batch's first deal reads the next batch, while the other deals of its own are
processed. Batches only save calls: after any failure the deal is read by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from core.database import Database
from core.errors import DatabaseUnavailable
from crm.client import HubSpot
from crm.errors import CrmError
from pipeline.rulebook import Rulebook
from pipeline.stages.companies.ahead import DealWithoutCompany, read_ahead
from pipeline.stages.companies.answers import Kind, database_time, remember
from pipeline.stages.email_domain import domain_of
from pipeline.stages.fetch.batch import BatchDeal, read_batch
from pipeline.stages.fetch.deal_content import DealContent, unpack
from pipeline.stages.fetch.snapshots import (
    RESERVED_SECONDS,
    Snapshot,
    WaitingDeal,
    release,
    reserve,
    reserve_next,
    store,
    take,
)

log = structlog.get_logger()

# Above HubSpot's ten seconds, for which a batch may have to wait at its limit. With what is read ahead for `associate`
# it is below RESERVED_SECONDS, and leaves the time to read the deal by itself.
BATCH_SECONDS = 13.0
# How often a deal looks for the batch that reads it, as long as the reservation holds.
POLL_SECONDS = 0.1
# In the content of a batch's first deal.
READS_NEXT = "reads_next"


async def hydrated(database: Database, crm: HubSpot, deal_id: int, rulebook: Rulebook) -> DealContent | None:
    """The deal as a batch has read it within the last minute, or as a batch reads it now; None to read it by itself.

    What the rulebook redacts is not in a snapshot either.
    """
    try:
        found = await take(database, deal_id)
        if found is None:
            if batch := await reserve(database, deal_id):
                await _store_batch(database, crm, batch, rulebook)
            found = await take(database, deal_id)
        found = await _wait_for(database, deal_id, found)
    except DatabaseUnavailable as error:
        log.warning("hydration.failed", error=str(error))
        return None
    if not (found and found.content):
        return None
    if found.content.get(READS_NEXT):
        await _read_next(database, crm, rulebook)
    return unpack(found.read_at, found.content)


async def _read_next(database: Database, crm: HubSpot, rulebook: Rulebook) -> None:
    try:
        if batch := await reserve_next(database):
            await _store_batch(database, crm, batch, rulebook)
    except DatabaseUnavailable as error:
        log.warning("hydration.failed", error=str(error))


async def _wait_for(database: Database, deal_id: int, found: Snapshot | None) -> Snapshot | None:
    """The deal's snapshot; while another batch is reading the deal, wait for that batch."""
    deadline = asyncio.get_running_loop().time() + RESERVED_SECONDS
    while found and not found.content and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        found = await take(database, deal_id)
    return found


async def _store_batch(database: Database, crm: HubSpot, batch: Sequence[WaitingDeal], rulebook: Rulebook) -> None:
    """Store the deals that HubSpot returns; release the others, and all of them after an error."""
    ids = {deal.hubspot_deal_id: deal.deal_id for deal in batch}
    try:
        read_at = await database_time(database)
        async with asyncio.timeout(BATCH_SECONDS):
            found = await read_batch(crm, list(ids), rulebook.stored.redact)
        await read_ahead(database, crm, rulebook.companies, _without_company(found, ids))
        await _remember_companies(database, found, read_at)
        await store(database, _snapshots(found, ids))
        log.info("deals.hydrated", wanted=len(ids), found=len(found))
    except (CrmError, TimeoutError) as error:
        log.warning("hydration.failed", error=str(error) or type(error).__name__)
    finally:
        await release(database, list(ids.values()))


def _snapshots(found: Sequence[BatchDeal], ids: Mapping[str, int]) -> list[tuple[int, datetime, dict[str, Any]]]:
    """By ascending id of ours: the first one reads the next batch."""
    snapshots = sorted(((ids[one.deal.id], one.deal.modified_at, one.content) for one in found), key=lambda row: row[0])
    for _, _, content in snapshots[:1]:
        content[READS_NEXT] = True
    return snapshots


def _without_company(found: Sequence[BatchDeal], ids: Mapping[str, int]) -> list[DealWithoutCompany]:
    return [
        DealWithoutCompany(
            ids[one.deal.id],
            [company for contact in one.contacts if (company := contact.properties.get("associatedcompanyid"))],
            [domain_of(contact.properties.get("email")) for contact in one.contacts],
        )
        for one in found
        if not one.has_company
    ]


async def _remember_companies(database: Database, found: Sequence[BatchDeal], read_at: datetime) -> None:
    answers = {one.deal.id: [[company.id, sorted(company.type_ids)] for company in one.companies] for one in found}
    modified = {one.deal.id: one.deal.modified_at for one in found}
    await remember(database, Kind.OF_DEAL, answers, read_at, modified)
