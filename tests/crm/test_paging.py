"""A list is read to its end, whatever HubSpot's links say; or an error says how its pages contradict each other."""

from typing import NamedTuple

import pytest

from crm import responses
from crm.errors import BadResponse
from crm.paging import MOST_PAGES, Query, read_pages

LIMIT = 5


class Page(NamedTuple):
    results: list[str]
    paging: responses.Paging | None


class Pages:
    """A list of so many items, whose cursor is the position in it; `lost` cursors are not sent with long pages."""

    def __init__(self, count: int, *, lost: frozenset[int] = frozenset(), always: bool = False) -> None:
        self.items = [f"item {number}" for number in range(count)]
        self.calls = 0
        self._lost = lost
        self._always = always

    async def __call__(self, query: Query) -> Page:
        self.calls += 1
        start, limit = int(query.get("after", 0)), int(query["limit"])
        end = start + limit
        is_lost = end in self._lost or (self._always and end - start >= LIMIT - 1)
        return page(self.items[start:end], None if end >= len(self.items) or is_lost else str(end))


def page(items: list[str], after: str | None) -> Page:
    return Page(items, None if after is None else responses.Paging(next=responses.Cursor(after=after)))


async def read(pages: Pages) -> list[str]:
    return list(await read_pages(pages, str, limit=LIMIT, what="items"))


@pytest.mark.parametrize("count", range(4 * LIMIT + 2))
async def test_a_list_of_any_length_is_read(count: int) -> None:
    """Also one that ends with a full page, and if the link behind any full page is lost."""
    for lost in ((), *((end,) for end in range(LIMIT, count + 1, LIMIT))):
        pages = Pages(count, lost=frozenset(lost))
        assert await read(pages) == pages.items


async def test_the_usual_end_costs_no_call() -> None:
    """Only a full page without a link to a next one is read again."""
    for count, calls in ((0, 1), (LIMIT - 1, 1), (2 * LIMIT - 1, 2), (LIMIT, 3)):
        pages = Pages(count)
        await read(pages)
        assert pages.calls == calls


async def test_a_list_that_has_lost_every_link_is_refused() -> None:
    """It would seem to end with its first page."""
    pages = Pages(3 * LIMIT, always=True)
    with pytest.raises(BadResponse, match="list of items ends with a full page, although it has just sent more"):
        await read(pages)
    assert pages.calls == 2


@pytest.mark.parametrize("cursors", [["1", "1"], ["1", "2", "1"]])
async def test_a_link_that_leads_back_is_refused(cursors: list[str]) -> None:
    """Even if each page has other items than the one before."""
    answers = iter([page([f"item {number}"], cursor) for number, cursor in enumerate(cursors)])

    async def following(_: Query) -> Page:
        return next(answers)

    with pytest.raises(BadResponse, match="same page of items again"):
        await read_pages(following, str, limit=LIMIT, what="items")


async def test_a_list_without_an_end_is_refused() -> None:
    """Each page with new items, and a link to another one."""
    calls = iter(range(10 * MOST_PAGES))

    async def endless(_: Query) -> Page:
        number = next(calls)
        return page([f"item {number}"], f"after {number}")

    with pytest.raises(BadResponse, match="list of items has no end: 1,000 pages were read"):
        await read_pages(endless, str, limit=LIMIT, what="items")
    assert next(calls) == MOST_PAGES
