"""Reads all deals modified since a time with HubSpot's search: keyset paging by id, without an upper time bound.

A deal that changes during the scan still matches and keeps its place, so that a pass by ascending ids always reads it.
Paging by offset, or by modification time, would skip deals that change between two pages.
"""

from datetime import timedelta

import stamina

from crm.client import SearchPage
from crm.errors import BadResponse
from crm.records import readable_id
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart

# HTTP's Date header has whole seconds: the scan may have started up to one second before the time in it.
DATE_HEADER_STEP = timedelta(seconds=1)
# A page that contradicts itself is read again: to the client its answer is valid, only a scan can notice.
retry_page = stamina.AsyncRetryingCaller(attempts=3, wait_initial=0.2).on(BadResponse)


async def read_search(sync: RunningSync, part: ScanPart) -> None:
    """Read and store every page after the cursor. Sets `part.started_at`: the scan's start by HubSpot's clock."""
    while True:
        read_at = sync.request_time()
        found = await retry_page(_read_page, sync, part)
        if part.started_at is None:
            part.started_at = found.server_time - DATE_HEADER_STEP
            sync.progress.backlog = found.total
        page = await sync.reader.read(found.records, read_at)
        await sync.store(page, part, last_id=max(page.ids, default=part.last_id))
        if found.total <= len(found.records):
            return


async def _read_page(sync: RunningSync, part: ScanPart) -> SearchPage:
    """BadResponse for a page that contradicts itself: the scan must neither continue from it nor end with it."""
    if part.floor is None:
        raise ValueError("A search has a floor")
    found = await sync.context.crm.search_deals(modified_since=part.floor, after_id=part.last_id)
    if not found.records and found.total:
        raise BadResponse(f"HubSpot announced {found.total} more deals and sent an empty page.")
    ids = [number for number in map(readable_id, found.records) if number is not None]
    if ids and min(ids) <= part.last_id:
        raise BadResponse(f"HubSpot sent a page with deals that do not come after id {part.last_id}.")
    if not ids and found.total > len(found.records):
        raise BadResponse(f"HubSpot sent a page after id {part.last_id} on which no deal has an id that can be read.")
    return found
