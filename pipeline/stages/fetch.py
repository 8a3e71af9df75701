"""Fetch: the deal as HubSpot has it now, with its contacts, companies, line items and the stages that it was in."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from pydantic import BaseModel

from crm import paths
from crm.answers import Version
from crm.client import Associated, BatchResult, FoundDeal, HubSpot
from crm.errors import NotFound
from crm.properties import COMPANY_PROPERTIES, CONTACT_PROPERTIES, LINE_ITEM_PROPERTIES
from crm.records import CrmRecord
from models import RunReason
from pipeline.stage import SkipRun, Stage, StageContext, StageResult
from pipeline.stages.addresses import domain_of
from pipeline.stages.facts import gather, instant
from pipeline.stages.redaction import redacted, redacted_properties

CONTACTS, COMPANIES, LINE_ITEMS = "contacts", "companies", "line_items"
# One batch read of each type; deals with more of one kind are told in `truncated`.
MOST_OF_A_KIND = 100
STAGE_PROPERTY = "dealstage"


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
    deal = await _deal(context)
    contacts = await _records(context.crm, paths.CONTACTS, deal.associated[CONTACTS], CONTACT_PROPERTIES)
    companies = await _records(context.crm, paths.COMPANIES, deal.associated[COMPANIES], COMPANY_PROPERTIES)
    line_items = await _records(context.crm, paths.LINE_ITEMS, deal.associated[LINE_ITEMS], LINE_ITEM_PROPERTIES)
    read = {CONTACTS: contacts, COMPANIES: companies, LINE_ITEMS: line_items}
    hidden = context.rulebook.stored.redact
    facts = await gather(deal.record.properties, context.catalog, context.now)
    output = FetchOutput(
        read_at=context.now,
        pipeline=facts.pipeline.label if facts.pipeline else None,
        stage=facts.stage.label if facts.stage else None,
        owner=facts.owner.name if facts.owner else None,
        stage_history=list(_visits(deal.history[STAGE_PROPERTY])),
        properties=redacted_properties(deal.record.properties, hidden),
        contacts=[_contact(record, hidden) for record in contacts.records],
        companies=[_company(record) for record in companies.records],
        line_items=[_line_item(record, hidden) for record in line_items.records],
        missing={kind: result.missing for kind, result in read.items() if result.missing},
        truncated=[kind for kind in read if _is_truncated(deal.associated[kind])],
    )
    return StageResult(
        output,
        company_ids=[company.id for company in output.companies],
        contact_ids=[contact.id for contact in output.contacts],
    )


async def _deal(context: StageContext) -> FoundDeal:
    """SkipRun when there is nothing to process: the deal is archived, merged into another one, or gone."""
    asked = context.hubspot_deal_id
    try:
        deal = await context.crm.get_deal(
            asked, associations=(CONTACTS, COMPANIES, LINE_ITEMS), history=(STAGE_PROPERTY,)
        )
    except NotFound:
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
    except NotFound:
        return SkipRun(
            RunReason.NOT_FOUND, f"HubSpot has no deal {identifier} (any more), not even in its recycle bin."
        )
    return _archived()


def merged(into: str) -> SkipRun:
    return SkipRun(RunReason.MERGED, f"In HubSpot this deal was merged into deal {into}.")


def _archived() -> SkipRun:
    return SkipRun(RunReason.ARCHIVED, "The deal is in HubSpot's recycle bin.")


async def _records(crm: HubSpot, object_type: str, associated: Associated, properties: Sequence[str]) -> BatchResult:
    return await crm.batch_read(object_type, associated.ids[:MOST_OF_A_KIND], properties)


def _is_truncated(associated: Associated) -> bool:
    return not associated.complete or len(associated.ids) > MOST_OF_A_KIND


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
        domain=domain_of(get("email")),
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
