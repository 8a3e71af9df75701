"""Validates values of requests: integers, record ids, object types, JSON lists. ApiError 400 for an invalid one."""

from typing import Any

from sandbox.account.object_types import ObjectType, find_object_type
from sandbox.http import errors

# Ids have fewer than 64 bits; int() alone would accept a thousand digits.
LONGEST_ID = 18


def parse_integer(name: str, value: object, low: int, high: int) -> int:
    """An integer, or the text of one, between both bounds."""
    text = str(value)
    digits = text.removeprefix("-")
    if isinstance(value, bool) or not digits.isascii() or not digits.isdecimal() or len(digits) > LONGEST_ID:
        raise errors.invalid(f"Invalid value for {name}: '{text[:50]}' is not an integer.")
    if not low <= int(text) <= high:
        raise errors.invalid(f"Invalid value for {name}: {text} is not between {low} and {high}.")
    return int(text)


def parse_id(text: object) -> int | None:
    """The id of a record; None for a value that cannot be an id."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST_ID else None


def parse_object_type(name: str) -> ObjectType:
    """By type id, plural or singular name, in any case."""
    object_type = find_object_type(name)
    if object_type is None:
        raise errors.unknown_type(name)
    return object_type


def json_list(name: str, value: object, *, most: int | None = None) -> list[Any]:
    """A list of at most `most` entries; null is an empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise errors.invalid_json(f"{name} must be a list")
    if most is not None and len(value) > most:
        raise errors.invalid(f"{name} has {len(value)} entries; at most {most} are allowed.")
    return value


def json_objects(name: str, value: object, *, most: int | None = None) -> list[dict[str, Any]]:
    """A list of objects."""
    entries = json_list(name, value, most=most)
    if not all(isinstance(entry, dict) for entry in entries):
        raise errors.invalid_json(f"{name} must hold objects only")
    return entries


def json_strings(name: str, value: object) -> list[str]:
    """A list of strings."""
    entries = json_list(name, value)
    if not all(isinstance(entry, str) for entry in entries):
        raise errors.invalid_json(f"{name} must hold strings only")
    return entries
