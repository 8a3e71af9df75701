"""Reads a list page by page to its end.

That a page has no link to a next one does not prove that it is the last one: HubSpot may have lost the link. Nor does a
link prove that there is more: it may lead back.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from crm import responses
from crm.errors import BadResponse

# No account has so many owners, nor a deal so many notes.
MOST_PAGES = 1_000

Query = dict[str, str | int]
Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)


class ListedPage(Protocol[Item_co]):
    @property
    def results(self) -> Sequence[Item_co]: ...

    @property
    def paging(self) -> responses.Paging | None: ...


async def read_pages(
    read: Callable[[Query], Awaitable[ListedPage[Item]]], key: Callable[[Item], str], *, limit: int, what: str
) -> dict[str, Item]:
    """All items by their keys, each once; `read` gets `limit` and `after`, and `what` names the items in an error.

    BadResponse when the pages contradict each other, lead back, or do not end.
    """
    found: dict[str, Item] = {}
    query: Query = {"limit": limit}
    followed: set[str] = set()
    for _ in range(MOST_PAGES):
        page = await read(query)
        following = page.paging.next if page.paging else None
        if following is None and len(page.results) >= int(query["limit"]):
            if query["limit"] != limit:
                raise BadResponse(f"HubSpot's list of {what} ends with a full page, although it has just sent more.")
            # A full page may be the last one. With a shorter one in its place, there must be a next page.
            query["limit"] = limit - 1
            continue
        known = len(found)
        found |= {key(item): item for item in page.results}
        if following is None:
            return found
        if len(found) == known or following.after in followed:
            raise BadResponse(f"HubSpot sent the same page of {what} again.")
        followed.add(following.after)
        query |= {"limit": limit, "after": following.after}
    raise BadResponse(f"HubSpot's list of {what} has no end: {MOST_PAGES:,} pages were read.")
