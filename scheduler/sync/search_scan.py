"""Reads all deals modified since a time with HubSpot's search: keyset paging by id, without an upper time bound.

A deal that changes during the scan still matches and keeps its place, so that a pass by ascending ids always reads it.
Paging by offset, or by modification time, would skip deals that change between two pages.

HubSpot says in four ways whether there is more: the total, the next page that it announces, the size of the page, and
the total of the page before. The scan ends when all of them say that there is nothing.
"""

from datetime import timedelta

import stamina

from crm.client import SearchPage
from crm.errors import BadResponse
from crm.records import readable_id
from scheduler.sync.missing_deals import look_up
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart

# HTTP's Date header has whole seconds: the scan may have started up to one second before the time in it.
DATE_HEADER_STEP = timedelta(seconds=1)
# A page that contradicts itself is read again: to the client its answer is valid, only a scan can notice.
retry_page = stamina.AsyncRetryingCaller(attempts=3, wait_initial=0.2).on(BadResponse)


async def read_search(sync: RunningSync, part: ScanPart) -> None:
    """Read and store every page after the cursor. Sets `part.started_at`: the scan's start by HubSpot's clock."""
    announced = 0
    while True:
        read_at = sync.request_time()
        found = await retry_page(_read_page, sync, part)
        if part.started_at is None:
            part.started_at = found.server_time - DATE_HEADER_STEP
            sync.progress.backlog = found.total
        page = await sync.read(found.records, read_at, searched=True)
        doubtful = await sync.store(page, part, last_id=max(page.ids, default=part.last_id))
        if doubtful:
            # HubSpot's store decides. Without this, they would be stale until the next list.
            await sync.store(await look_up(sync, doubtful))
        # Announced deals may have been archived meanwhile: what comes then is the end if it is answered twice.
        if _is_last(found) and found.total >= announced:
            return
        announced = found.total - len(found.records)


def _is_last(page: SearchPage) -> bool:
    return page.total == len(page.records) and not page.announces_next and not page.is_full


async def _read_page(sync: RunningSync, part: ScanPart) -> SearchPage:
    """BadResponse for a page that contradicts itself: the scan must neither continue from it nor end with it."""
    if part.floor is None:
        raise ValueError("A search has a floor")
    found = await sync.context.crm.search_deals(modified_since=part.floor, after_id=part.last_id)
    _check_signals(found)
    ids = [number for number in map(readable_id, found.records) if number is not None]
    if ids and min(ids) <= part.last_id:
        raise BadResponse(f"HubSpot sent a page with deals that do not come after id {part.last_id}.")
    if not ids and not _is_last(found):
        raise BadResponse(f"HubSpot sent a page after id {part.last_id} on which no deal has an id that can be read.")
    return found


def _check_signals(page: SearchPage) -> None:
    """A total above the number of records contradicts nothing: deals that only the index still has are not shown."""
    size = len(page.records)
    if not size and (page.total or page.announces_next):
        announced = f"{page.total} more deals" if page.total else "another page"
        raise BadResponse(f"HubSpot announced {announced} and sent an empty page.")
    if page.total < size or (page.total == size and page.announces_next):
        although = ", although it announces another page" if page.announces_next else ""
        raise BadResponse(f"HubSpot's total is {page.total} on a page of {size} deals{although}.")
