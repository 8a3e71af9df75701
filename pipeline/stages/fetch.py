"""Fetch: the deal as HubSpot has it now, with its contacts, companies and line items."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from crm import paths
from crm.client import Associated, BatchResult, FoundDeal, HubSpot
from crm.errors import NotFound
from crm.properties import COMPANY_PROPERTIES, CONTACT_PROPERTIES, LINE_ITEM_PROPERTIES
from crm.records import CrmRecord
from models import RunReason
from pipeline.stage import SkipRun, Stage, StageContext, StageResult

CONTACTS, COMPANIES, LINE_ITEMS = "contacts", "companies", "line_items"
# One batch read of each type; deals with more of one kind are told in `truncated`.
MOST_OF_A_KIND = 100


class Contact(BaseModel):
    """`company_id` is the contact's own primary company."""

    id: str
    name: str | None = None
    email: str | None = None
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


class FetchOutput(BaseModel):
    """The snapshot that every later stage works on.

    `missing` are associated ids that HubSpot could not give (archived meanwhile), by type;
    `truncated` are the types of which the deal has more than were read.
    """

    read_at: datetime
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
    output = FetchOutput(
        read_at=context.now,
        properties=deal.record.properties,
        contacts=[_contact(record) for record in contacts.records],
        companies=[_company(record) for record in companies.records],
        line_items=[_line_item(record) for record in line_items.records],
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
        deal = await context.crm.get_deal(asked, associations=(CONTACTS, COMPANIES, LINE_ITEMS))
    except NotFound:
        raise await _absence(context.crm, asked) from None
    if deal.record.id != asked:
        raise SkipRun(RunReason.MERGED, f"In HubSpot this deal was merged into deal {deal.record.id}.")
    if deal.record.archived:
        raise _archived()
    return deal


async def _absence(crm: HubSpot, identifier: str) -> SkipRun:
    try:
        await crm.get_deal(identifier, archived=True)
    except NotFound:
        return SkipRun(
            RunReason.NOT_FOUND, f"HubSpot has no deal {identifier} (any more), not even in its recycle bin."
        )
    return _archived()


def _archived() -> SkipRun:
    return SkipRun(RunReason.ARCHIVED, "The deal is in HubSpot's recycle bin.")


async def _records(crm: HubSpot, object_type: str, associated: Associated, properties: Sequence[str]) -> BatchResult:
    return await crm.batch_read(object_type, associated.ids[:MOST_OF_A_KIND], properties)


def _is_truncated(associated: Associated) -> bool:
    return not associated.complete or len(associated.ids) > MOST_OF_A_KIND


def _contact(record: CrmRecord) -> Contact:
    get = record.properties.get
    name = f"{get('firstname') or ''} {get('lastname') or ''}".strip()
    return Contact(id=record.id, name=name or None, email=get("email"), company_id=get("associatedcompanyid"))


def _company(record: CrmRecord) -> Company:
    return Company(id=record.id, name=record.properties.get("name"), domain=record.properties.get("domain"))


def _line_item(record: CrmRecord) -> LineItem:
    get = record.properties.get
    return LineItem(
        id=record.id,
        name=get("name"),
        quantity=get("quantity"),
        price=get("price"),
        amount=get("amount"),
        currency=get("hs_line_item_currency_code"),
    )


STAGE = Stage(key="fetch", label="Fetch", run=run)
