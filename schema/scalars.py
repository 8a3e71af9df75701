"""The custom scalars: how each is parsed and serialized."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from schema.errors import Code

Cursor = NewType("Cursor", str)


def _parse_cursor(value: object) -> str:
    # The resolver decodes the text.
    if not isinstance(value, str):
        message = f"`before` is not a cursor of this API: {value!r:.60}. Pass a page's `nextBefore`, or leave it out."
        raise GraphQLError(message, extensions={"code": Code.BAD_USER_INPUT})
    return value


def _serialize_decimal(value: Decimal) -> str:
    return format(value, "f")


def _serialize_datetime(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _output_only(value: object) -> object:
    raise GraphQLError(f"No argument of this API has this type; found {value!r:.60}.")


SCALARS: dict[object, ScalarDefinition] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description="An opaque position in the queue: pass a page's `nextBefore` as the next page's `before`.",
        serialize=str,
        parse_value=_parse_cursor,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="A decimal number as a string.",
        serialize=_serialize_decimal,
        parse_value=_output_only,
    ),
    datetime: strawberry.scalar(
        name="DateTime", description="ISO 8601, UTC.", serialize=_serialize_datetime, parse_value=_output_only
    ),
    JSON: strawberry.scalar(name="JSON", description="Any JSON value.", parse_value=_output_only),
}
