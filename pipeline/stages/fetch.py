"""Fetch: the deal as HubSpot has it now, with its contacts, companies and line items."""

from datetime import datetime

from pydantic import BaseModel

from crm.client import FoundDeal, HubSpot
from crm.errors import NotFound
from crm.records import CrmRecord
from models import RunReason
from pipeline.hydration import COMPANIES, CONTACTS, KINDS, LINE_ITEMS, MOST_OF_A_KIND, Around, hydrated, is_truncated
from pipeline.stage import SkipRun, Stage, StageContext, StageResult

# For the stages that work on what was fetched: the kinds of records around a deal.
__all__ = ["COMPANIES", "CONTACTS", "LINE_ITEMS", "STAGE", "Company", "Contact", "FetchOutput", "LineItem"]


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
    """From a batch where one has the deal; else the deal by itself, which alone tells why there is nothing to read."""
    around = await hydrated(context.database, context.crm, context.deal_id) or await _alone(context)
    output = FetchOutput(
        read_at=around.read_at,
        properties=around.properties,
        contacts=[_contact(record) for record in around.records[CONTACTS].records],
        companies=[_company(record) for record in around.records[COMPANIES].records],
        line_items=[_line_item(record) for record in around.records[LINE_ITEMS].records],
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
    return Around(context.now, deal.record.properties, records, truncated)


async def _deal(context: StageContext) -> FoundDeal:
    """SkipRun when there is nothing to process: the deal is archived, merged into another one, or gone."""
    asked = context.hubspot_deal_id
    try:
        deal = await context.crm.get_deal(asked, associations=tuple(KINDS))
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
