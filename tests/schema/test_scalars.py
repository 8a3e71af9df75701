"""The custom scalars: what is accepted, and how a value is written."""

import json
from typing import Any

from resolvers.cursor import QueueCursor
from tests.api.graphql_client import GraphQLClient
from tests.factories import MOMENT

PAGE = "query ($limit: Int!, $before: Cursor) { dealQueue(limit: $limit, before: $before) { items { id } nextBefore } }"


def foreign_cursors() -> list[Any]:
    ours = QueueCursor(MOMENT, 7).encode()
    return [
        "",
        "0",
        "abc",
        "50",
        ours[:-1],
        f"{ours}AAAA",
        f"{ours}=",
        f" {ours}",
        ours.lower(),
        "AAAA" * 6,
        "é" * 24,
        5,
    ]


async def test_a_text_that_is_not_a_cursor_is_refused(graphql: GraphQLClient) -> None:
    """As a variable and in the document; the message has it and says what to pass instead."""
    for before in foreign_cursors():
        literal = json.dumps(before, ensure_ascii=False)
        inline = "{ dealQueue(before: %s) { nextBefore } }" % literal  # noqa: UP031 - full of braces
        for error in (await graphql.error(PAGE, limit=1, before=before), await graphql.error(inline)):
            assert error["extensions"]["code"] == "BAD_USER_INPUT", before
            assert "`before` is not a cursor of this API: " in error["message"]
            assert "Pass a page's `nextBefore`" in error["message"]
