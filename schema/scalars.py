"""The scalars beyond GraphQL's own, and how each is written."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from schema.errors import Code

Cursor = NewType("Cursor", str)


def _read_cursor(value: object) -> str:
    # What a text stands for is the resolver's matter.
    if not isinstance(value, str):
        message = f"`before` is not a cursor of this API: {value!r:.60}. Pass a page's `nextBefore`, or leave it out."
        raise GraphQLError(message, extensions={"code": Code.BAD_USER_INPUT})
    return value


def _write_decimal(value: Decimal) -> str:
    return format(value, "f")


def _write_datetime(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _only_written(value: object) -> object:
    raise GraphQLError(f"No argument of this API takes this type; found {value!r:.60}.")


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in the queue: pass a page's `nextBefore` as the next page's `before`.",
        serialize=str,
        parse_value=_read_cursor,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A decimal number as a string.",
        serialize=_write_decimal,
        parse_value=_only_written,
    ),
    datetime: strawberry.scalar(
        name="DateTime", description="ISO 8601, UTC.", serialize=_write_datetime, parse_value=_only_written
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value.", parse_value=_only_written),
}
