"""The filters of a search, checked once and turned into tests of one record.

Meaning of the operators: developers.hubspot.com, guide "Search the CRM" (docs/sandbox.md).
"""

import operator as compare
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sandbox.account.account import World
from sandbox.account.object_types import ObjectType, find_type
from sandbox.account.properties import Property, parse_number
from sandbox.account.records import Record, parse_instant
from sandbox.http import errors
from sandbox.http.call import list_of, record_id

Test = Callable[[Record], bool]
# A value that can be compared: a number, milliseconds, or text (strings in lower case, options as they are).
Comparable = float | str
Reader = Callable[[Record], Comparable | None]

ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": compare.eq,
    "NEQ": compare.ne,
    "GT": compare.gt,
    "GTE": compare.ge,
    "LT": compare.lt,
    "LTE": compare.le,
}
OPERATORS = (
    *ORDERS,
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
)
_TOKEN = re.compile(r"[\w*]+")


def compile_filter(world: World, kind: ObjectType, given: Mapping[str, Any]) -> Test:
    """A test of one record; ApiError 400 for a filter that HubSpot would refuse."""
    name, operator = given.get("propertyName"), given.get("operator")
    if not isinstance(name, str) or not isinstance(operator, str):
        raise errors.invalid_json("Cannot build Filter, some of required attributes are not set")
    if operator not in OPERATORS:
        raise errors.invalid(f"Invalid operator '{operator[:50]}'; allowed are {', '.join(OPERATORS)}.")
    if name.startswith("associations."):
        return _association_test(world, kind, name, operator, given)
    definition = world.definitions.of(kind).get(name)
    if definition is None:
        raise _undefined(name)
    return _property_test(definition, reader(world, kind, name), operator, given)


def reader(world: World, kind: ObjectType, name: str) -> Reader:
    """Reads a property in comparable form; the two that syncs page by without parsing anything."""
    if name == "hs_object_id":
        return compare.attrgetter("id")
    if name == kind.modified:
        return compare.attrgetter("modified_ms")
    definition = world.definitions.of(kind).get(name)
    if definition is None:
        raise _undefined(name)
    return partial(_read, world, kind, definition)


def comparable(definition: Property, text: str) -> Comparable | None:
    """None for what is no value of this type."""
    if definition.type == "number":
        return parse_number(text)
    if definition.type in ("date", "datetime"):
        return parse_instant(text)
    return text.lower() if definition.type == "string" else text


def _read(world: World, kind: ObjectType, definition: Property, record: Record) -> Comparable | None:
    value = world.read(kind, record, definition.name)
    return None if value is None else comparable(definition, value)


def _property_test(definition: Property, read: Reader, operator: str, given: Mapping[str, Any]) -> Test:
    if operator == "HAS_PROPERTY":
        return lambda record: read(record) is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda record: read(record) is None
    if operator in ("IN", "NOT_IN"):
        return _membership_test(definition, read, operator, given)
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _token_test(definition, read, operator, given)
    low = _wanted(definition, given, "value")
    if operator == "BETWEEN":
        high = _wanted(definition, given, "highValue")
        return _ordered(read, lambda value, wanted: wanted <= value <= high, low)
    return _ordered(read, ORDERS[operator], low)


def _ordered(read: Reader, order: Callable[[Any, Any], bool], wanted: Comparable) -> Test:
    """A record without the property passes no comparison, not even NEQ."""

    def test(record: Record) -> bool:
        value = read(record)
        return value is not None and order(value, wanted)

    return test


def _membership_test(definition: Property, read: Reader, operator: str, given: Mapping[str, Any]) -> Test:
    """The stored text is compared in lower case, the given values as they are: upper case never matches."""
    texts = list_of("values", given.get("values"))
    if not texts:
        raise errors.invalid(f"operator {operator} requires values for property {definition.name}")
    exact = definition.type == "string"
    wanted = {str(text) if exact else comparable(definition, str(text)) for text in texts}
    expected = operator == "IN"

    def test(record: Record) -> bool:
        value = read(record)
        return value is not None and (value in wanted) == expected

    return test


def _token_test(definition: Property, read: Reader, operator: str, given: Mapping[str, Any]) -> Test:
    """Whole words, in any case; `*` stands for any characters of a word."""
    words = _TOKEN.findall(_text(definition, given, "value").lower())
    patterns = [re.compile(".*".join(re.escape(part) for part in word.split("*"))) for word in words]
    expected = operator == "CONTAINS_TOKEN"

    def test(record: Record) -> bool:
        tokens = _TOKEN.findall(str(read(record) or "").lower())
        return all(any(pattern.fullmatch(token) for token in tokens) for pattern in patterns) == expected

    return test


def _association_test(world: World, kind: ObjectType, name: str, operator: str, given: Mapping[str, Any]) -> Test:
    """The pseudo-property `associations.contact`: the record is associated with one of these."""
    target = find_type(name.removeprefix("associations."))
    if target is None or operator not in ("EQ", "IN"):
        raise _undefined(name)
    texts = [given.get("value")] if operator == "EQ" else list_of("values", given.get("values"))
    wanted = {number for text in texts if (number := record_id(text)) is not None}
    return lambda record: not wanted.isdisjoint(world.links.of(kind.name, record.id, target.name))


def _wanted(definition: Property, given: Mapping[str, Any], key: str) -> Comparable:
    value = comparable(definition, _text(definition, given, key))
    if value is None:
        raise errors.invalid(f"'{given[key]}' is not a valid {definition.type} for property {definition.name}")
    if value == 0 and definition.type == "datetime":
        # HubSpot fails on the epoch itself; Estuary's connector begins later for that reason (its shared.py).
        raise errors.ApiError(500, "internal error")
    return value


def _text(definition: Property, given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str | int | float):
        raise errors.invalid(f"operator {given.get('operator')} requires {key} for property {definition.name}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _undefined(name: str) -> errors.ApiError:
    return errors.invalid_properties([(name[:200], "PROPERTY_DOESNT_EXIST", f'Property "{name[:200]}" does not exist')])
