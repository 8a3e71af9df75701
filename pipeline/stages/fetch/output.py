"""The output of `fetch`: the deal that every later stage works on."""

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel

from crm.properties import ACTIVITY
from crm.records import CrmRecord
from pipeline.stages.email_domain import domain_of
from pipeline.stages.redaction import DOMAIN, redacted

# The kinds of associated records, as `missing` and `truncated` name them.
CONTACTS, COMPANIES, LINE_ITEMS = "contacts", "companies", "line_items"


class Contact(BaseModel):
    """`company_id` is the contact's primary company. `domain` is kept of the address, which may be redacted."""

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
    """The deal as HubSpot had it at `read_at`. `pipeline`, `stage` and `owner` are names, as people know them.

    `unreadable` are the fields of HubSpot's record that are not what they should be; `properties` has their text.
    `stage_history` holds the newest 20 stages, newest first, as far as HubSpot returns them.
    `missing` are the ids, by kind, of associated records that HubSpot did not return (they were archived meanwhile);
    `truncated` are the kinds of which the deal has more records than were read.
    `last_activity_at` is the deal's last activity that was not a note or task of ours; `activity_is_ours` says that
    HubSpot shows one of ours as the last.
    """

    read_at: datetime
    pipeline: str | None = None
    stage: str | None = None
    owner: str | None = None
    stage_history: list[StageVisit] = []
    properties: dict[str, str | None]
    unreadable: list[str] = []
    contacts: list[Contact]
    companies: list[Company]
    line_items: list[LineItem]
    missing: dict[str, list[str]]
    truncated: list[str]
    last_activity_at: datetime | None = None
    activity_is_ours: bool = False

    @property
    def judged(self) -> dict[str, str | None]:
        """The properties as the rules see them: what we have written to HubSpot hides no finding."""
        if not self.activity_is_ours:
            return self.properties
        last = self.last_activity_at.isoformat() if self.last_activity_at else None
        return {**self.properties, ACTIVITY: last}


def contact(record: CrmRecord, hidden: Collection[str]) -> Contact:
    get = record.properties.get
    name = f"{get('firstname') or ''} {get('lastname') or ''}".strip() or None
    return Contact(
        id=record.id,
        name=redacted("contact.name", name, hidden),
        email=redacted("contact.email", get("email"), hidden),
        domain=get(DOMAIN) or domain_of(get("email")),
        company_id=get("associatedcompanyid"),
    )


def company(record: CrmRecord) -> Company:
    return Company(id=record.id, name=record.properties.get("name"), domain=record.properties.get("domain"))


def line_item(record: CrmRecord, hidden: Collection[str]) -> LineItem:
    get = record.properties.get
    return LineItem(
        id=record.id,
        name=redacted("line_item.name", get("name"), hidden),
        quantity=get("quantity"),
        price=get("price"),
        amount=get("amount"),
        currency=get("hs_line_item_currency_code"),
    )
