"""Parses a record as HubSpot sends it into a typed record that can be stored. A bad value hides no other value.

Only a record without a readable id, or a deal without a readable modification time, raises RecordError.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import partial
from typing import Any, TypeVar

from crm.errors import RecordError
from crm.json_body import json_text
from crm.properties import DATES, NUMBERS

Properties = dict[str, str | None]
Value = TypeVar("Value")

# The sync's cursor is a 64-bit number; HubSpot's ids have 10 to 12 digits.
LONGEST_ID = 18
_ID = re.compile(rf"[1-9]\d{{0,{LONGEST_ID - 1}}}", re.ASCII)
LONGEST_SHOWN = 60
# No thousands separators, no "NaN", no "Infinity", no digits of other scripts: Decimal() accepts all of them.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# No amount of money has more digits before the decimal point; PostgreSQL would store 131,072 of them.
MOST_DIGITS = 30
# HubSpot sends a calculated number as the exact value of its binary fraction, with fifty digits and more.
DECIMAL_PLACES = Decimal("0.000001")
# Wide enough for the digits on both sides of the decimal point, and for one more if the number is rounded up.
_WIDE = Context(prec=MOST_DIGITS + 7)
_EPOCH_MS = re.compile(r"-?\d{1,16}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A deal is of no other time; the databases and languages behind us differ on what lies outside.
FIRST_YEAR, LAST_YEAR = 1900, 2999
# Fields of a record beside its properties.
RECORD_TIMES = ("createdAt", "updatedAt", "archivedAt")


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """A record of any type. Empty values are None; what PostgreSQL cannot store is removed (NUL) or replaced by U+FFFD.

    `unreadable` has the JSON text, as `properties` has it, of each value that is a list or an object, and of the fields
    of the record that are not what they should be.
    """

    id: str
    properties: Properties
    archived: bool
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DealRecord:
    """Times are aware and UTC; `amount` is in `currency`; `properties` holds every property of the response.

    `archived_at` is None for a live deal; `merged_ids` are the deals that were merged into this one. A value that
    cannot be read is None, and `unreadable` has its text.
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
    unreadable: Mapping[str, str]


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def readable_id(raw: Mapping[str, Any]) -> int | None:
    """The record's id; None when it is not a positive number, or larger than a cursor."""
    identifier = raw.get("id")
    text = str(identifier) if type(identifier) in {int, str} else ""
    return int(text) if is_id(text) else None


def parse_record(raw: Mapping[str, Any]) -> CrmRecord:
    """RecordError when the id is not a number."""
    if (identifier := readable_id(raw)) is None:
        raise RecordError(f"A record has no id that is a number: property id: {_shown(_text(raw.get('id')))}.")
    properties: Properties = {}
    unreadable: dict[str, str] = {}
    given = raw.get("properties")
    if not isinstance(given, dict):
        unreadable["properties"], given = _text(given) or "null", {}
    for name, value in given.items():
        if (value is None or (type(value) is str and _is_plain(value))) and _is_plain(name):
            properties[name] = value or None
        else:
            _add_unusual(properties, unreadable, name, value)
    archived = raw.get("archived", False)
    if not isinstance(archived, bool):
        # HubSpot sends `archivedAt` with archived records only.
        unreadable["archived"], archived = _text(archived) or "null", bool(raw.get("archivedAt"))
    return CrmRecord(str(identifier), properties, archived, unreadable)


def parse_records(raws: Iterable[Mapping[str, Any]]) -> list[CrmRecord]:
    """Without those that have no readable id: to a caller who asked for ids, HubSpot has not returned them."""
    return [parse_record(raw) for raw in raws if readable_id(raw) is not None]


def parse_deal(raw: Mapping[str, Any]) -> DealRecord:
    """RecordError when it has no id or no modification time."""
    record = parse_record(raw)
    unreadable = dict(record.unreadable)
    read = partial(_read, unreadable)
    found = record.properties.get
    dates = {name: read(name, found(name), parse_instant) for name in DATES}
    numbers = {name: read(name, found(name), parse_number) for name in NUMBERS}
    modified_at = dates["hs_lastmodifieddate"] or read("updatedAt", _text(raw.get("updatedAt")), parse_instant)
    if modified_at is None:
        raise RecordError(_without_time(record.id, unreadable))
    archived_at = None
    if record.archived:
        # Without `archivedAt`, the modification time, which archiving does not change, is the closest known time.
        archived_at = read("archivedAt", _text(raw.get("archivedAt")), parse_instant) or modified_at
    text = {name: value for name, value in record.properties.items() if name not in unreadable}.get
    return DealRecord(
        id=record.id,
        name=text("dealname"),
        amount=numbers["amount"],
        currency=text("deal_currency_code"),
        pipeline=text("pipeline"),
        stage=text("dealstage"),
        owner_id=text("hubspot_owner_id"),
        close_date=dates["closedate"],
        created_at=dates["createdate"] or read("createdAt", _text(raw.get("createdAt")), parse_instant),
        modified_at=modified_at,
        archived=record.archived,
        archived_at=archived_at,
        merged_ids=_merged_ids(record.id, text("hs_merged_object_ids")),
        properties=record.properties,
        unreadable=unreadable,
    )


def parse_number(text: str) -> Decimal:
    """ValueError, with the reason, when it is not a finite number of a reasonable size.

    A number of more than 30 digits is rounded to six decimal places.

    >>> parse_number("1200.50"), parse_number("0.90000000000000002220446049250313080847263336181640625")
    (Decimal('1200.50'), Decimal('0.900000'))
    """
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"{_shown(text)} is not a number")
    number = Decimal(stripped)
    if number and number.adjusted() >= MOST_DIGITS:
        raise ValueError(f"{_shown(text)} has more than {MOST_DIGITS} digits before its decimal point")
    if len(number.as_tuple().digits) > MOST_DIGITS or number.adjusted() < -MOST_DIGITS:
        return number.quantize(DECIMAL_PLACES, context=_WIDE)
    return number


def parse_instant(text: str) -> datetime:
    """ISO 8601 (a date means midnight UTC) or milliseconds since 1970; ValueError for anything else.

    >>> parse_instant("2026-11-01").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    stripped = text.strip()
    try:
        if _EPOCH_MS.fullmatch(stripped):
            instant = _EPOCH + timedelta(milliseconds=int(stripped))
        else:
            parsed = datetime.fromisoformat(stripped)
            instant = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(text)} is not a date") from None
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise ValueError(f"{_shown(text)} is not a date between {FIRST_YEAR} and {LAST_YEAR}")
    return instant


def _is_plain(text: str) -> bool:
    return text.isascii() and "\0" not in text


def _add_unusual(properties: Properties, unreadable: dict[str, str], name: str, value: object) -> None:
    """A number, true and false are read as their JSON text; a list or an object is not readable."""
    name = _storable(name)
    # A name without the NUL of another one is that property, whichever comes first.
    properties.setdefault(name, _text(value))
    if isinstance(value, list | dict):
        unreadable[name] = _text(value) or ""


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return _storable(value or "") or None
    return _storable(json_text(value))


def _storable(text: str) -> str:
    """Without NUL, and with U+FFFD for half a character: PostgreSQL can store neither."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "")


def _read(unreadable: dict[str, str], name: str, text: str | None, parse: Callable[[str], Value]) -> Value | None:
    try:
        return parse(text) if text else None
    except ValueError:
        unreadable[name] = text or ""
        return None


def _without_time(identifier: str, unreadable: Mapping[str, str]) -> str:
    names = ("hs_lastmodifieddate", "updatedAt")
    found = [f"property {name}: {_shown(unreadable[name])} is not a date" for name in names if name in unreadable]
    if found:
        return f"Deal {identifier} has no modification time that can be read: {'; '.join(found)}."
    return f"Deal {identifier} has no modification time ({', '.join(names)})."


def _merged_ids(identifier: str, listed: str | None) -> tuple[str, ...]:
    ids = (text.strip() for text in (listed or "").split(";"))
    return tuple(dict.fromkeys(text for text in ids if is_id(text) and text != identifier))


def _shown(text: str | None) -> str:
    """For a message: short, and printable."""
    shown = text or "null"
    return repr(shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…")
