"""One request as the routes see it: path, query and body, checked on the way out."""

from typing import Any

import orjson
from starlette.requests import Request

from sandbox.account.object_types import ObjectType, find_type
from sandbox.http import errors

# Ids beyond 64 bits are no ids; int() alone would take a thousand digits.
LONGEST_ID = 18


class Call:
    """Every method raises ApiError with HubSpot's 400 or 404 for what it cannot read."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.request = request
        self._body = body

    @property
    def target(self) -> str:
        """Path and query, as a fault looks at them."""
        query = self.request.url.query
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def kind(self, name: str = "type") -> ObjectType:
        """The object type named in the path."""
        kind = find_type(self.path(name))
        if kind is None:
            raise errors.unknown_type(self.path(name))
        return kind

    def text(self, name: str) -> str | None:
        return self.request.query_params.get(name) or None

    def flag(self, name: str) -> bool:
        text = self.request.query_params.get(name, "false").lower()
        if text not in ("true", "false"):
            raise errors.invalid(f"Invalid value for query parameter {name}: '{text}' is neither true nor false.")
        return text == "true"

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.request.query_params.get(name)
        return default if text is None or text == "" else in_range(name, text, low, high)

    def names(self, name: str) -> list[str]:
        """A list, given comma separated, by repetition, or both."""
        values = self.request.query_params.getlist(name)
        return [part.strip() for value in values for part in value.split(",") if part.strip()]

    def json(self) -> dict[str, Any]:
        try:
            body = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise errors.invalid_json(str(error)) from None
        if not isinstance(body, dict):
            raise errors.invalid_json("Cannot deserialize the request out of anything but an object")
        return body

    def inputs(self, *, most: int) -> list[dict[str, Any]]:
        """The `inputs` of a batch, which must be there."""
        body = self.json()
        if "inputs" not in body:
            raise errors.invalid_json("Some required fields were not set: [inputs]")
        return objects_of("inputs", body["inputs"], most=most)

    @property
    def size(self) -> int:
        """Characters of the body, as HubSpot counts them for a search."""
        return len(self._body.decode(errors="replace"))


def in_range(name: str, value: object, low: int, high: int) -> int:
    """An integer, or text that is one, between both bounds; 400 for anything else."""
    text = str(value)
    digits = text.removeprefix("-")
    if isinstance(value, bool) or not digits.isascii() or not digits.isdecimal() or len(digits) > LONGEST_ID:
        raise errors.invalid(f"Invalid value for {name}: '{text[:50]}' is not an integer.")
    if not low <= int(text) <= high:
        raise errors.invalid(f"Invalid value for {name}: {text} is not between {low} and {high}.")
    return int(text)


def record_id(text: object) -> int | None:
    """The number of a record; None for what cannot be one."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST_ID else None


def list_of(name: str, value: object, *, most: int | None = None) -> list[Any]:
    """A JSON list, none at all counting as empty; 400 for anything else and for more than `most`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise errors.invalid_json(f"{name} must be a list")
    if most is not None and len(value) > most:
        raise errors.invalid(f"{name} has {len(value)} entries; at most {most} are allowed.")
    return value


def objects_of(name: str, value: object, *, most: int | None = None) -> list[dict[str, Any]]:
    """A JSON list of objects."""
    entries = list_of(name, value, most=most)
    if not all(isinstance(entry, dict) for entry in entries):
        raise errors.invalid_json(f"{name} must hold objects only")
    return entries


def texts_of(name: str, value: object) -> list[str]:
    """A JSON list of strings."""
    entries = list_of(name, value)
    if not all(isinstance(entry, str) for entry in entries):
        raise errors.invalid_json(f"{name} must hold strings only")
    return entries
