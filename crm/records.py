"""Parses a record as HubSpot sends it into a typed record that can be stored, or raises RecordError with the reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from crm.errors import RecordError

Properties = dict[str, str | None]

# The sync's cursor is a 64-bit number; HubSpot's ids have 10 to 12 digits.
LONGEST_ID = 18
_ID = re.compile(rf"[1-9]\d{{0,{LONGEST_ID - 1}}}", re.ASCII)
LONGEST_SHOWN = 60
# No thousands separators, no "NaN", no "Infinity", no digits of other scripts: Decimal() accepts all of them.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# No amount of money has more digits before or after the decimal point; PostgreSQL would store 131,072 of them.
LARGEST_EXPONENT = 30
_EPOCH_MS = re.compile(r"-?\d{1,16}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """A record of any type. Empty values are None; NUL characters, which PostgreSQL cannot store, are removed."""

    id: str
    properties: Properties
    archived: bool


@dataclass(frozen=True, slots=True)
class DealRecord:
    """Times are aware and UTC; `amount` is in `currency`; `properties` holds every property of the response.

    `archived_at` is None for a live deal; `merged_ids` are the deals that were merged into this one.
    """

    id: str
    name: str | None
    amount: Decimal | None
    currency: str | None
    pipeline: str | None
    stage: str | None
    owner_id: str | None
    close_date: datetime | None
    created_at: datetime | None
    modified_at: datetime
    archived: bool
    archived_at: datetime | None
    merged_ids: tuple[str, ...]
    properties: Properties


def parse_record(raw: Mapping[str, Any]) -> CrmRecord:
    """RecordError when the id is not a number, or a property is not text."""
    identifier = _identifier(raw)
    properties = raw.get("properties")
    if not isinstance(properties, dict):
        raise RecordError(f"Record {identifier} has no properties.")
    archived = raw.get("archived", False)
    if not isinstance(archived, bool):
        raise RecordError(f"Record {identifier}: `archived` is neither true nor false.")
    cleaned = {_clean(identifier, name): _value(identifier, name, properties[name]) for name in properties}
    return CrmRecord(identifier, cleaned, archived)


def parse_deal(raw: Mapping[str, Any]) -> DealRecord:
    """RecordError when it cannot be stored unchanged."""
    record = parse_record(raw)
    get = record.properties.get
    modified_at = _instant(record, "hs_lastmodifieddate", raw.get("updatedAt"))
    if modified_at is None:
        raise RecordError(f"Deal {record.id} has no modification time (hs_lastmodifieddate, updatedAt).")
    return DealRecord(
        id=record.id,
        name=get("dealname"),
        amount=_amount(record, "amount"),
        currency=get("deal_currency_code"),
        pipeline=get("pipeline"),
        stage=get("dealstage"),
        owner_id=get("hubspot_owner_id"),
        close_date=_instant(record, "closedate"),
        created_at=_instant(record, "createdate", raw.get("createdAt")),
        modified_at=modified_at,
        archived=record.archived,
        # Without `archivedAt`, the modification time, which archiving does not change, is the closest known time.
        archived_at=(_instant(record, "archivedAt", raw.get("archivedAt")) or modified_at) if record.archived else None,
        merged_ids=_merged_ids(record),
        properties=record.properties,
    )


def parse_number(text: str) -> Decimal:
    """ValueError, with the reason, when it is not a finite number of a reasonable size.

    >>> parse_number("1200.50")
    Decimal('1200.50')
    """
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"{_shown(text)} is not a number")
    number = Decimal(stripped)
    if number and (abs(number.adjusted()) > LARGEST_EXPONENT or len(number.as_tuple().digits) > LARGEST_EXPONENT):
        raise ValueError(f"{_shown(text)} has more than {LARGEST_EXPONENT} digits")
    return number


def parse_instant(text: str) -> datetime:
    """ISO 8601 (a date means midnight UTC) or milliseconds since 1970; ValueError for anything else.

    >>> parse_instant("2026-11-01").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    stripped = text.strip()
    try:
        if _EPOCH_MS.fullmatch(stripped):
            return _EPOCH + timedelta(milliseconds=int(stripped))
        parsed = datetime.fromisoformat(stripped)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is not a date") from None


def _identifier(raw: Mapping[str, Any]) -> str:
    identifier = raw.get("id")
    text = str(identifier) if isinstance(identifier, int | str) and not isinstance(identifier, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID and text[0] != "0"):
        raise RecordError(f"A record has no id that is a number: {_shown(str(identifier))}.")
    return text


def _value(identifier: str, name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordError(f"Record {identifier}: property {_shown(name)} is not text but {type(value).__name__}.")
    return _clean(identifier, value, name) or None


def _clean(identifier: str, text: str, name: str | None = None) -> str:
    """Called for each name and each value of 100,000 deals. `name` is for the error; None when `text` is a name."""
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        what = "a name" if name is None else f"property {_shown(name)}"
        raise RecordError(f"Record {identifier}: {what} contains a lone surrogate (half a character).") from None
    return text.replace("\0", "")


def _amount(record: CrmRecord, name: str) -> Decimal | None:
    value = record.properties.get(name)
    try:
        return parse_number(value) if value else None
    except ValueError as error:
        raise RecordError(f"Deal {record.id}: property {name}: {error}.") from None


def _instant(record: CrmRecord, name: str, otherwise: object = None) -> datetime | None:
    value = record.properties.get(name) or (otherwise if isinstance(otherwise, str) else None)
    try:
        return parse_instant(value) if value else None
    except ValueError as error:
        raise RecordError(f"Deal {record.id}: property {name}: {error}.") from None


def _merged_ids(record: CrmRecord) -> tuple[str, ...]:
    listed = (record.properties.get("hs_merged_object_ids") or "").split(";")
    ids = (text.strip() for text in listed)
    return tuple(dict.fromkeys(text for text in ids if _ID.fullmatch(text) and text != record.id))


def _shown(text: str) -> str:
    """For a message: short, and printable."""
    printable = text.encode("utf-8", "replace").decode()
    return repr(printable if len(printable) <= LONGEST_SHOWN else f"{printable[:LONGEST_SHOWN]}…")
