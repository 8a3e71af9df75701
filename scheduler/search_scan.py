"""All deals modified since a moment, by HubSpot's search: a keyset over the immutable id, without an upper bound.

A deal that changes during the scan stays a match and keeps its place, so that the pass by ascending ids must meet it;
paging by offset, or by the time of modification, loses what moves between two pages (reference: HubSpot, section 3).
"""

from datetime import timedelta

from crm.client import SearchPage
from crm.errors import BadResponse
from scheduler.page_retry import page_retry
from scheduler.records import record_number
from scheduler.scans import Scan
from scheduler.sync import Sync

# HTTP's Date header has whole seconds; the scan may have begun up to one earlier than it says.
DATE_HEADER_STEP = timedelta(seconds=1)


async def read_search(sync: Sync, scan: Scan) -> None:
    """Read and store every page from the scan's cursor on; afterwards `started_at` is HubSpot's clock at its start."""
    while True:
        asked_at = sync.asked_at()
        found = await page_retry(lambda: _page(sync, scan))
        if scan.started_at is None:
            scan.started_at = found.server_time - DATE_HEADER_STEP
            sync.record.backlog = found.total
        page = await sync.reader.read(found.records, asked_at)
        await sync.store(page, scan, last_id=max(page.ids, default=scan.last_id))
        if found.total <= len(found.records):
            return


async def _page(sync: Sync, scan: Scan) -> SearchPage:
    """BadResponse for a page on which the scan must not go on, or end: it is asked for again."""
    if scan.floor is None:
        raise ValueError("A search has a floor")
    found = await sync.context.crm.search_deals(modified_since=scan.floor, after_id=scan.last_id)
    if not found.records and found.total:
        raise BadResponse(f"HubSpot announced {found.total} more deals and sent an empty page.")
    ids = [number for number in map(record_number, found.records) if number is not None]
    if found.records and min(ids, default=0) <= scan.last_id:
        raise BadResponse(f"HubSpot sent a page with deals that do not lie behind id {scan.last_id}.")
    return found
