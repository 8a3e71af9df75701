"""Fetch: the deal as HubSpot has it now, with its contacts, companies, line items and the stages that it was in."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from pydantic import BaseModel

from crm.client import FoundDeal, HubSpot
from crm.errors import RecordNotFound
from crm.records import CrmRecord
from crm.responses import Version
from models import RunReason
from pipeline.stage import SkipRun, Stage, StageContext, StageResult
from pipeline.stages.addresses import domain_of
from pipeline.stages.facts import gather, instant
from pipeline.stages.hydration import (
    COMPANIES,
    CONTACTS,
    KINDS,
    LINE_ITEMS,
    MOST_OF_A_KIND,
    STAGE_PROPERTY,
    Around,
    hydrated,
    is_truncated,
)
from pipeline.stages.redaction import DOMAIN, redacted, redacted_properties

# For the stages that work on what was fetched: the kinds of records around a deal.
__all__ = [
    "COMPANIES",
    "CONTACTS",
    "LINE_ITEMS",
    "STAGE",
    "Company",
    "Contact",
    "FetchOutput",
    "LineItem",
    "StageVisit",
]


class Contact(BaseModel):
    """`company_id` is the contact's own primary company; `domain` that of the address, which itself may be redacted."""

    id: str
    name: str | None = None
    email: str | None = None
    domain: str | None = None
    company_id: str | None = None


class Company(BaseModel):
    id: str
    name: str | None = None
    domain: str | None = None


class LineItem(BaseModel):
    """`amount` is the net total of the line, as text; HubSpot calculates it."""

    id: str
    name: str | None = None
    quantity: str | None = None
    price: str | None = None
    amount: str | None = None
    currency: str | None = None


class StageVisit(BaseModel):
    """`stage` is HubSpot's id."""

    stage: str
    since: datetime


class FetchOutput(BaseModel):
    """The snapshot that every later stage works on; `pipeline`, `stage` and `owner` are names, as people know them.

    `stage_history` are the newest 20 stages, newest first, as far as HubSpot tells.
    `missing` are associated ids that HubSpot could not give (archived meanwhile), by type;
    `truncated` are the types of which the deal has more than were read.
    """

    read_at: datetime
    pipeline: str | None = None
    stage: str | None = None
    owner: str | None = None
    stage_history: list[StageVisit] = []
    properties: dict[str, str | None]
    contacts: list[Contact]
    companies: list[Company]
    line_items: list[LineItem]
    missing: dict[str, list[str]]
    truncated: list[str]


async def run(context: StageContext) -> StageResult:
    """From a batch where one has the deal; else the deal by itself, which alone tells why there is nothing to read."""
    hidden = context.rulebook.stored.redact
    around = await hydrated(context.database, context.crm, context.deal_id, hidden) or await _alone(context)
    contacts, companies, line_items = (around.records[kind].records for kind in (CONTACTS, COMPANIES, LINE_ITEMS))
    facts = await gather(around.properties, context.catalog, context.now)
    output = FetchOutput(
        read_at=around.read_at,
        pipeline=facts.pipeline.label if facts.pipeline else None,
        stage=facts.stage.label if facts.stage else None,
        owner=facts.owner.name if facts.owner else None,
        stage_history=list(_visits(around.stage_history)),
        properties=redacted_properties(around.properties, hidden),
        contacts=[_contact(record, hidden) for record in contacts],
        companies=[_company(record) for record in companies],
        line_items=[_line_item(record, hidden) for record in line_items],
        missing={kind: result.missing for kind, result in around.records.items() if result.missing},
        truncated=list(around.truncated),
    )
    return StageResult(
        output,
        company_ids=[company.id for company in output.companies],
        contact_ids=[contact.id for contact in output.contacts],
    )


async def _alone(context: StageContext) -> Around:
    deal = await _deal(context)
    records = {
        kind: await context.crm.batch_read(where, deal.associated[kind].ids[:MOST_OF_A_KIND], properties)
        for kind, (where, properties) in KINDS.items()
    }
    truncated = [kind for kind in KINDS if is_truncated(deal.associated[kind])]
    return Around(context.now, deal.record.properties, deal.history[STAGE_PROPERTY], records, truncated)


async def _deal(context: StageContext) -> FoundDeal:
    """SkipRun when there is nothing to process: the deal is archived, merged into another one, or gone."""
    asked = context.hubspot_deal_id
    try:
        deal = await context.crm.get_deal(asked, associations=tuple(KINDS), history=(STAGE_PROPERTY,))
    except RecordNotFound:
        raise await absence(context.crm, asked) from None
    if deal.record.id != asked:
        raise merged(deal.record.id)
    if deal.record.archived:
        raise _archived()
    return deal


async def absence(crm: HubSpot, identifier: str) -> SkipRun:
    """Why HubSpot has no such live deal."""
    try:
        await crm.get_deal(identifier, archived=True)
    except RecordNotFound:
        return SkipRun(
            RunReason.NOT_FOUND, f"HubSpot has no deal {identifier} (any more), not even in its recycle bin."
        )
    return _archived()


def merged(into: str) -> SkipRun:
    return SkipRun(RunReason.MERGED, f"In HubSpot this deal was merged into deal {into}.")


def _archived() -> SkipRun:
    return SkipRun(RunReason.ARCHIVED, "The deal is in HubSpot's recycle bin.")


def _visits(versions: Sequence[Version]) -> Iterator[StageVisit]:
    for version in versions:
        since = instant(version.timestamp)
        if version.value and since is not None:
            yield StageVisit(stage=version.value, since=since)


def _contact(record: CrmRecord, hidden: Collection[str]) -> Contact:
    get = record.properties.get
    name = f"{get('firstname') or ''} {get('lastname') or ''}".strip() or None
    return Contact(
        id=record.id,
        name=redacted("contact.name", name, hidden),
        email=redacted("contact.email", get("email"), hidden),
        domain=get(DOMAIN) or domain_of(get("email")),
        company_id=get("associatedcompanyid"),
    )


def _company(record: CrmRecord) -> Company:
    return Company(id=record.id, name=record.properties.get("name"), domain=record.properties.get("domain"))


def _line_item(record: CrmRecord, hidden: Collection[str]) -> LineItem:
    get = record.properties.get
    return LineItem(
        id=record.id,
        name=redacted("line_item.name", get("name"), hidden),
        quantity=get("quantity"),
        price=get("price"),
        amount=get("amount"),
        currency=get("hs_line_item_currency_code"),
    )


# Five calls, of which HubSpot cuts each after ten seconds, and their repetitions.
STAGE = Stage(key="fetch", label="Fetch", run=run, timeout_seconds=60)
