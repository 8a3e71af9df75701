"""The filters of a search, each validated and compiled into a predicate of one record.

Meaning of the operators: developers.hubspot.com, guide "Search the CRM" (docs/sandbox.md).
"""

import operator as compare
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType, find_object_type
from sandbox.account.properties import Property, parse_number
from sandbox.account.records import Record
from sandbox.account.timestamps import parse_timestamp
from sandbox.http import errors
from sandbox.http.parsing import json_list, parse_id

Predicate = Callable[[Record], bool]
# A number, milliseconds, or text (strings in lower case, options unchanged).
Comparable = float | str
ValueReader = Callable[[Record], Comparable | None]

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


def compile_filter(account: Account, object_type: ObjectType, given: Mapping[str, Any]) -> Predicate:
    """ApiError 400 for a filter that HubSpot would refuse."""
    name, operator = given.get("propertyName"), given.get("operator")
    if not isinstance(name, str) or not isinstance(operator, str):
        raise errors.invalid_json("Cannot build Filter, some of required attributes are not set")
    if operator not in OPERATORS:
        raise errors.invalid(f"Invalid operator '{operator[:50]}'; allowed are {', '.join(OPERATORS)}.")
    if name.startswith("associations."):
        return _association_predicate(account, object_type, name, operator, given)
    definition = account.property_definitions.of(object_type).get(name)
    if definition is None:
        raise _undefined(name)
    return _property_predicate(definition, value_reader(account, object_type, name), operator, given)


def value_reader(account: Account, object_type: ObjectType, name: str) -> ValueReader:
    """Reads a property in comparable form; without parsing for the two properties by which a sync pages."""
    if name == "hs_object_id":
        return compare.attrgetter("id")
    if name == object_type.modified:
        return compare.attrgetter("modified_ms")
    definition = account.property_definitions.of(object_type).get(name)
    if definition is None:
        raise _undefined(name)

    def read(record: Record) -> Comparable | None:
        value = account.read(object_type, record, name)
        return None if value is None else comparable(definition, value)

    return read


def comparable(definition: Property, text: str) -> Comparable | None:
    """None for text that is not a value of the property's type."""
    if definition.type == "number":
        return parse_number(text)
    if definition.type in ("date", "datetime"):
        return parse_timestamp(text)
    return text.lower() if definition.type == "string" else text


def _property_predicate(definition: Property, read: ValueReader, operator: str, given: Mapping[str, Any]) -> Predicate:
    if operator == "HAS_PROPERTY":
        return lambda record: read(record) is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda record: read(record) is None
    if operator in ("IN", "NOT_IN"):
        return _membership_predicate(definition, read, operator, given)
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _token_predicate(definition, read, operator, given)
    low = _comparison_value(definition, given, "value")
    if operator == "BETWEEN":
        high = _comparison_value(definition, given, "highValue")
        return _comparison(read, lambda value, wanted: wanted <= value <= high, low)
    return _comparison(read, ORDERS[operator], low)


def _comparison(read: ValueReader, order: Callable[[Any, Any], bool], wanted: Comparable) -> Predicate:
    """A record without the property satisfies no comparison, not even NEQ."""

    def predicate(record: Record) -> bool:
        value = read(record)
        return value is not None and order(value, wanted)

    return predicate


def _membership_predicate(
    definition: Property, read: ValueReader, operator: str, given: Mapping[str, Any]
) -> Predicate:
    """The stored text is compared in lower case, the given values are not: a value with upper case never matches."""
    texts = json_list("values", given.get("values"))
    if not texts:
        raise errors.invalid(f"operator {operator} requires values for property {definition.name}")
    is_string = definition.type == "string"
    wanted = {str(text) if is_string else comparable(definition, str(text)) for text in texts}
    expected = operator == "IN"

    def predicate(record: Record) -> bool:
        value = read(record)
        return value is not None and (value in wanted) == expected

    return predicate


def _token_predicate(definition: Property, read: ValueReader, operator: str, given: Mapping[str, Any]) -> Predicate:
    """Whole words, in any case; `*` matches any characters within a word."""
    words = _TOKEN.findall(_text(definition, given, "value").lower())
    patterns = [re.compile(".*".join(re.escape(part) for part in word.split("*"))) for word in words]
    expected = operator == "CONTAINS_TOKEN"

    def predicate(record: Record) -> bool:
        tokens = _TOKEN.findall(str(read(record) or "").lower())
        return all(any(pattern.fullmatch(token) for token in tokens) for pattern in patterns) == expected

    return predicate


def _association_predicate(
    account: Account, object_type: ObjectType, name: str, operator: str, given: Mapping[str, Any]
) -> Predicate:
    """The pseudo-property `associations.contact`: the record is associated with one of the given records."""
    target = find_object_type(name.removeprefix("associations."))
    if target is None or operator not in ("EQ", "IN"):
        raise _undefined(name)
    texts = [given.get("value")] if operator == "EQ" else json_list("values", given.get("values"))
    wanted = {number for text in texts if (number := parse_id(text)) is not None}
    return lambda record: not wanted.isdisjoint(account.associations.of(object_type.name, record.id, target.name))


def _comparison_value(definition: Property, given: Mapping[str, Any], key: str) -> Comparable:
    value = comparable(definition, _text(definition, given, key))
    if value is None:
        raise errors.invalid(f"'{given[key]}' is not a valid {definition.type} for property {definition.name}")
    if value == 0 and definition.type == "datetime":
        # HubSpot fails on the epoch itself; Estuary's connector starts later for that reason (its shared.py).
        raise errors.ApiError(500, "internal error")
    return value


def _text(definition: Property, given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str | int | float):
        raise errors.invalid(f"operator {given.get('operator')} requires {key} for property {definition.name}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _undefined(name: str) -> errors.ApiError:
    return errors.invalid_properties([(name[:200], "PROPERTY_DOESNT_EXIST", f'Property "{name[:200]}" does not exist')])
