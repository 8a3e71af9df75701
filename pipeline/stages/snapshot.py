"""What `fetch` found in HubSpot and every later stage works on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from crm.records import CrmRecord, parse_instant, parse_number

Value = TypeVar("Value")


class Contact(BaseModel):
    id: str
    email: str | None
    name: str | None
    company_id: str | None


class Company(BaseModel):
    id: str
    name: str | None
    domain: str | None


class LineItem(BaseModel):
    id: str
    name: str | None
    # What HubSpot reckons: quantity times price, less the discount. None when the item has no price.
    amount: Decimal | None


class Snapshot(BaseModel):
    """One deal with everything it is associated with, as it was at `read_at`."""

    hubspot_deal_id: str
    read_at: datetime
    properties: dict[str, str | None]
    owner_id: str | None
    owner_name: str | None
    # None without an owner; False for one who is deactivated or unknown.
    owner_active: bool | None
    stage_label: str | None
    stage_known: bool
    stage_closed: bool
    stage_probability: Decimal | None
    contacts: list[Contact]
    companies: list[Company]
    line_items: list[LineItem]

    @property
    def amount(self) -> Decimal | None:
        """None when there is none, or none that can be read: `validate` says which."""
        return readable(parse_number, self.properties.get("amount"))

    def time(self, name: str) -> datetime | None:
        """The property as a time; None when there is none, or none that can be read."""
        return readable(parse_instant, self.properties.get(name))


def snapshot_of(outputs: Mapping[str, Any]) -> Snapshot:
    """The snapshot that this run's `fetch` has stored."""
    return Snapshot.model_validate(outputs["fetch"])


def readable(parse: Callable[[str], Value], text: str | None) -> Value | None:
    """What the text means; None when there is none, or it means nothing."""
    try:
        return parse(text) if text else None
    except ValueError:
        return None


def contact_of(record: CrmRecord) -> Contact:
    get = record.properties.get
    names = [part for part in (get("firstname"), get("lastname")) if part]
    return Contact(
        id=record.id, email=get("email"), name=" ".join(names) or None, company_id=get("associatedcompanyid")
    )


def company_of(record: CrmRecord) -> Company:
    return Company(id=record.id, name=record.properties.get("name"), domain=record.properties.get("domain"))


def line_item_of(record: CrmRecord) -> LineItem:
    """HubSpot's own amount where it has one, else quantity times price; without a quantity it is one piece."""
    amount, quantity, price = (
        readable(parse_number, record.properties.get(name)) for name in ("amount", "quantity", "price")
    )
    if amount is None and price is not None:
        amount = price if quantity is None else quantity * price
    return LineItem(id=record.id, name=record.properties.get("name"), amount=amount)
