"""All deals by HubSpot's list, which reflects its store and not its search index: in parts, several at the same time.

The parts are ranges of ids; each has its own stored cursor. A reader that has nothing left to read takes half of the
largest part that is still being read, so that no gap in the ids leaves one reader with all the work.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from math import inf

from crm.errors import BadResponse
from crm.scanning import ListPage
from crm.transport import Json
from models import SyncKind
from scheduler.leadership import check_fence
from scheduler.page_retry import page_retry
from scheduler.records import ReadPage, record_number
from scheduler.scans import Scan, load_scans, save_scan
from scheduler.search_scan import DATE_HEADER_STEP
from scheduler.sync import Sync
from scheduler.sync_state import FIRST_FLOOR
from scheduler.vanished import compared, resolve

# HubSpot's rate (19 calls a second) times its latency (0.3 s) is 6 calls under way.
READERS = 8
MOST_PARTS = 4 * READERS
# With fewer a part is hardly more than the page with which its neighbour reaches into it.
DEALS_IN_A_PART = 400


class ListScan:
    """`archived`: the recycle bin instead of the live deals. `prove`: look for what HubSpot does not list any more."""

    def __init__(self, sync: Sync, *, archived: bool = False, prove: bool = True) -> None:
        self._sync = sync
        self._archived = archived
        self._prove = prove
        self._waiting: deque[Scan] = deque()
        self._reading: list[Scan] = []
        self._parts = 0
        self._ids_a_deal: dict[int, float] = {}

    async def read(self) -> list[Scan]:
        """Read everything that is not read yet; the parts."""
        if not self._archived:
            # For whoever watches; the scan's end is where the list ends.
            self._sync.record.backlog = await self._sync.context.crm.count_deals(FIRST_FLOOR)
        parts = await load_scans(self._sync.context.database, self._sync.kind) or await self._begin()
        self._parts = len(parts)
        self._waiting.extend(part for part in parts if not part.done)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(READERS):
                    group.create_task(self._work())
        except BaseExceptionGroup as failed:
            # One reader's failure has ended the others; it is what the record tells.
            raise failed.exceptions[0] from None
        return parts

    async def _begin(self) -> list[Scan]:
        """Equal ranges of ids over what there is now; the last is open, for what is created meanwhile."""
        bounds = None if self._archived else await self._sync.context.crm.deal_id_bounds()
        number = min((self._sync.record.backlog or 0) // DEALS_IN_A_PART + 1, MOST_PARTS)
        parts = _ranges(self._sync.kind, bounds, number)
        async with self._sync.context.database.write() as session:
            for part in parts:
                await save_scan(session, part)
            await check_fence(session, self._sync.context.fence)
        return parts

    async def _work(self) -> None:
        while (part := await self._next()) is not None:
            self._reading.append(part)
            while not part.done:
                await self._page(part)
            self._reading.remove(part)

    async def _next(self) -> Scan | None:
        if self._waiting:
            return self._waiting.popleft()
        largest = max(self._reading, key=self._deals_left, default=None)
        return (
            None if largest is None or self._deals_left(largest) < 2 * DEALS_IN_A_PART else await self._split(largest)
        )

    def _deals_left(self, part: Scan) -> float:
        """As its last page suggests."""
        return part.span / self._ids_a_deal.get(part.part, inf)

    async def _split(self, part: Scan) -> Scan:
        """Both halves are saved before either is read further."""
        middle = part.last_id + part.span // 2
        half = Scan(part.kind, self._parts, started_at=part.started_at, last_id=middle, until_id=part.until_id)
        self._parts += 1
        part.until_id = middle + 1
        async with self._sync.context.database.write() as session:
            await save_scan(session, part)
            await save_scan(session, half)
            await check_fence(session, self._sync.context.fence)
        return half

    async def _page(self, part: Scan) -> None:
        asked_at, first = self._sync.asked_at(), part.last_id + 1
        found = await page_retry(lambda: self._ask(first))
        part.started_at = part.started_at or found.server_time - DATE_HEADER_STEP
        end = _earlier(found.next_id, part.until_id)
        page = await self._sync.reader.read(_before(end, found.records), asked_at)
        if self._prove:
            await self._compare(first, end, page)
        if found.next_id is not None:
            self._ids_a_deal[part.part] = (found.next_id - first) / len(found.records)
        last_id = max(page.ids, default=part.last_id) if end is None else end - 1
        await self._sync.store(page, part, last_id=last_id, done=end == part.until_id)

    async def _ask(self, first: int) -> ListPage:
        found = await self._sync.context.crm.list_deals(after_id=first, archived=self._archived)
        if found.next_id is not None and not found.records:
            raise BadResponse(f"HubSpot's list goes on at deal {found.next_id}, and has none before it.")
        return found

    async def _compare(self, first: int, end: int | None, page: ReadPage) -> None:
        """The page proves what lies between its first id and the next page's; whatever else we have there has left."""
        found = await compared(self._sync.context.database, first, end, page.ids, archived=self._archived)
        page.back.extend(found.back)
        if found.gone:
            await resolve(self._sync, found.gone)


def _earlier(next_id: int | None, until_id: int | None) -> int | None:
    """Where what the page has shown of its part ends; None for the end of everything."""
    ends = [end for end in (next_id, until_id) if end is not None]
    return min(ends, default=None)


def _before(end: int | None, records: Sequence[Json]) -> Sequence[Json]:
    """Without those that the next part reads; a record without an id is told of by whoever meets it."""
    return [raw for raw in records if end is None or (record_number(raw) or 0) < end]


def _ranges(kind: SyncKind, bounds: tuple[int, int] | None, number: int) -> list[Scan]:
    if bounds is None:
        return [Scan(kind)]
    lowest, highest = bounds
    width = (highest - lowest) // number + 1
    starts: Sequence[int] = [0, *(lowest + width * part for part in range(1, number))]
    ends = [*starts[1:], None]
    return [
        Scan(kind, part, last_id=max(start - 1, 0), until_id=end)
        for part, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
