"""Reads many deals with the records around them from HubSpot, in a few calls that do not wait for each other."""

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from crm import paths, responses
from crm.client import Associated, Association, HubSpot
from crm.errors import BadResponse, RecordError
from crm.history import History, Version
from crm.records import CrmRecord, DealRecord, parse_deal
from pipeline.stages.fetch.deal_content import MAX_RECORDS, RECORD_KINDS, STAGE_PROPERTY, pack
from pipeline.stages.fetch.output import COMPANIES, CONTACTS

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchDeal:
    """`content` is that of its snapshot; `companies` are its associations, `contacts` those that were read."""

    deal: DealRecord
    content: dict[str, object]
    companies: Sequence[Association]
    contacts: Sequence[CrmRecord]

    @property
    def has_company(self) -> bool:
        """Whether HubSpot has one of them."""
        missing: Any = self.content["missing"]
        return any(company.id not in missing[COMPANIES] for company in self.companies)


class _LiveDeal(NamedTuple):
    deal: DealRecord
    stage_history: Sequence[Version]


async def read_batch(crm: HubSpot, hubspot_deal_ids: Sequence[str], hidden: Collection[str]) -> list[BatchDeal]:
    """The live deals among these, each with the content of its snapshot."""
    read, *listings = await _together(
        crm.read_deals(hubspot_deal_ids, history=(STAGE_PROPERTY,)),
        *(crm.associations(paths.DEALS, hubspot_deal_ids, path) for path, _ in RECORD_KINDS.values()),
    )
    # A deal with another id than the requested one was merged; reading the requested one by itself reports that.
    requested = set(hubspot_deal_ids)
    live = [found for raw in read.records if (found := _live(raw)) and found.deal.id in requested]
    listed: Mapping[str, Mapping[str, Sequence[Association]]] = dict(zip(RECORD_KINDS, listings, strict=True))
    associated = {
        kind: {
            deal.id: Associated(tuple(dict.fromkeys(entry.id for entry in listed[kind][deal.id]))) for deal, _ in live
        }
        for kind in RECORD_KINDS
    }
    found_records = await _together(
        *(_records(crm, path, associated[kind], names) for kind, (path, names) in RECORD_KINDS.items())
    )
    records: Mapping[str, Mapping[str, CrmRecord]] = dict(zip(RECORD_KINDS, found_records, strict=True))
    batch = []
    for deal, stage_history in live:
        of_deal = {kind: associated[kind][deal.id] for kind in RECORD_KINDS}
        content = pack(deal, stage_history, of_deal, records, hidden)
        contacts = [
            records[CONTACTS][found] for found in of_deal[CONTACTS].ids[:MAX_RECORDS] if found in records[CONTACTS]
        ]
        batch.append(BatchDeal(deal, content, listed[COMPANIES][deal.id], contacts))
    return batch


async def _together(*calls: Coroutine[Any, Any, Any]) -> list[Any]:
    """Their results; after an error, wait for the others too, so that no call is made after the batch has ended."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


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
