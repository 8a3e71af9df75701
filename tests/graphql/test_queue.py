"""dealQueue: what a page holds, and how pages follow one another."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from core.database import Database
from models import RunStatus
from resolvers.cursor import Cursor
from tests.graphql import factories
from tests.graphql.asking import Asker
from tests.graphql.factories import MOMENT

PAGE = "query ($limit: Int!, $before: Cursor) { dealQueue(limit: $limit, before: $before) { items { id } nextBefore } }"


async def walk(ask: Asker, limit: int) -> list[int]:
    """The ids of all pages, in order."""
    ids: list[int] = []
    before: str | None = None
    while True:
        page = (await ask(PAGE, limit=limit, before=before))["dealQueue"]
        ids += [int(item["id"]) for item in page["items"]]
        before = page["nextBefore"]
        if before is None:
            return ids


async def test_the_deal_changed_last_comes_first(ask: Asker, database: Database) -> None:
    """The order is `updated_at`, the newest first, whatever the order of making."""
    old = await factories.deal(database, updated_at=MOMENT - timedelta(days=1))
    new = await factories.deal(database, updated_at=MOMENT + timedelta(days=1))
    middle = await factories.deal(database, updated_at=MOMENT)
    assert await walk(ask, 50) == [new, middle, old]


async def test_paging_shows_each_deal_once_ties_included(ask: Asker, database: Database) -> None:
    """Deals of the same microsecond are told apart by their id, whatever the size of the page."""
    ids = [
        await factories.deal(database, updated_at=MOMENT + timedelta(microseconds=number // 4)) for number in range(14)
    ]
    for limit in (1, 2, 3, 7, 200):
        assert await walk(ask, limit) == sorted(ids, reverse=True)


async def test_a_change_between_two_pages_moves_no_other_deal(ask: Asker, database: Database) -> None:
    """A deal that changes meanwhile goes to the top; those that did not change are neither skipped nor repeated."""
    ids = [await factories.deal(database) for _ in range(6)]
    first = (await ask(PAGE, limit=2))["dealQueue"]
    await database.run(text("UPDATE deals SET updated_at = now() WHERE id = :id"), {"id": ids[0]})
    rest = (await ask(PAGE, limit=200, before=first["nextBefore"]))["dealQueue"]
    seen = [int(item["id"]) for item in first["items"] + rest["items"]]
    assert seen == [ids[5], ids[4], ids[3], ids[2], ids[1]]


async def test_the_last_page_says_so(ask: Asker, database: Database) -> None:
    """`nextBefore` is null at the end, also when the last page is full."""
    for _ in range(4):
        await factories.deal(database)
    first = (await ask(PAGE, limit=2))["dealQueue"]
    second = (await ask(PAGE, limit=2, before=first["nextBefore"]))["dealQueue"]
    assert first["nextBefore"] is not None
    assert (len(second["items"]), second["nextBefore"]) == (2, None)


async def test_an_empty_queue_is_an_empty_page(ask: Asker) -> None:
    """No deal is no error."""
    assert await ask("{ dealQueue { items { id } nextBefore } }") == {"dealQueue": {"items": [], "nextBefore": None}}


async def test_archived_and_merged_deals_are_not_in_the_queue(ask: Asker, database: Database) -> None:
    """They are not work; by their id they can still be read."""
    shown = await factories.deal(database)
    archived = await factories.deal(database, archived_at=MOMENT)
    await factories.deal(database, merged_into="1")
    assert await walk(ask, 50) == [shown]
    assert (await ask("query ($id: ID!) { deal(id: $id) { id } }", id=archived))["deal"] == {"id": str(archived)}


async def test_a_deal_is_shown_as_it_is_stored(ask: Asker, database: Database) -> None:
    """Money is exact, times are UTC with their microseconds, and what HubSpot does not have is null."""
    await factories.deal(database, amount=Decimal("1234567890.10"), updated_at=MOMENT, name=None)
    fields = "name amount currency ownerName hubspotStageLabel closeDate createdAt updatedAt status currentStage reason"
    item = (await ask(f"{{ dealQueue {{ items {{ {fields} }} }} }}"))["dealQueue"]["items"][0]
    assert item == dict.fromkeys(fields.split()) | {
        "amount": "1234567890.10",
        "createdAt": "2026-11-01T12:00:00.123456+00:00",
        "updatedAt": "2026-11-01T12:00:00.123456+00:00",
        "status": "QUEUED",
    }


async def test_a_deal_without_a_run_shows_its_own_status(ask: Asker, database: Database) -> None:
    """There is no run to tell; the deal's row does."""
    await factories.deal(database, status=RunStatus.SKIPPED, current_stage="fetch")
    item = (await ask("{ dealQueue { items { status currentStage steps { stage } runs { id } } } }"))["dealQueue"]
    assert item["items"] == [{"status": "SKIPPED", "currentStage": "fetch", "steps": [], "runs": []}]


async def test_a_limit_out_of_range_is_refused(ask: Asker) -> None:
    """Neither silently cut nor carried out; the sentence says what is allowed."""
    for limit in (0, -1, 201, 2**31 - 1):
        error = await ask.error(PAGE, limit=limit)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["message"] == f"`limit` is {limit}; it must be between 1 and 200."


def foreign_cursors() -> list[Any]:
    ours = Cursor(MOMENT, 7).encode()
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


async def test_a_cursor_that_is_not_ours_is_refused(ask: Asker) -> None:
    """It is named, and the sentence says what to pass instead; as a variable and in the document."""
    for before in foreign_cursors():
        literal = json.dumps(before, ensure_ascii=False)
        inline = "{ dealQueue(before: %s) { nextBefore } }" % literal  # noqa: UP031 - full of braces
        for error in (await ask.error(PAGE, limit=1, before=before), await ask.error(inline)):
            assert error["extensions"]["code"] == "BAD_USER_INPUT", before
            assert "`before` is not a cursor of this API: " in error["message"]
            assert "Pass a page's `nextBefore`" in error["message"]


async def test_a_cursor_is_valid_though_its_deal_has_moved_on(ask: Asker, database: Database) -> None:
    """A cursor is a position, not a row."""
    ids = [await factories.deal(database) for _ in range(3)]
    first = (await ask(PAGE, limit=1))["dealQueue"]
    await database.run(text("UPDATE deals SET updated_at = now() WHERE id = :id"), {"id": ids[2]})
    rest = (await ask(PAGE, limit=5, before=first["nextBefore"]))["dealQueue"]["items"]
    assert [int(item["id"]) for item in rest] == [ids[1], ids[0]]
