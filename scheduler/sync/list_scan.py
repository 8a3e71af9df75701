"""Reads all deals with HubSpot's list, which reflects its store and not its search index, in concurrent parts.

The parts are ranges of ids; each has its own stored cursor. A reader that has nothing left to read takes half of the
largest part that is still being read, so that no gap in the ids leaves one reader with all the work.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from math import inf

from crm.errors import BadResponse
from crm.records import readable_id
from crm.scanning import ListPage
from models import SyncKind
from scheduler.leadership import check_fence
from scheduler.sync.missing_deals import compare_range, look_up
from scheduler.sync.record_reader import DealPage
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart, load_parts, save_part
from scheduler.sync.search_scan import DATE_HEADER_STEP, retry_page
from scheduler.sync.sync_state import FIRST_FLOOR

# HubSpot's rate (19 calls a second) times its latency (0.3 s) is 6 concurrent calls.
READERS = 8
MOST_PARTS = 4 * READERS
# With fewer, a part is hardly larger than the page by which the part before it overlaps it.
DEALS_IN_A_PART = 400


class ListScan:
    """`archived`: read the recycle bin, not live deals. `find_missing`: look up stored deals that are not listed."""

    def __init__(self, sync: RunningSync, *, archived: bool = False, find_missing: bool = True) -> None:
        self._sync = sync
        self._archived = archived
        self._find_missing = find_missing
        self._waiting: deque[ScanPart] = deque()
        self._reading: list[ScanPart] = []
        self._parts = 0
        self._ids_a_deal: dict[int, float] = {}
        # Ids of which HubSpot has said that they exist: the bounds of the list, and the first id of a next page.
        self._announced: set[int] = set()
        self._page_read = asyncio.Condition()

    async def read(self) -> list[ScanPart]:
        """Read every part to its end; returns the parts."""
        if not self._archived:
            # Only shown as progress; the scan ends where the list ends.
            self._sync.progress.backlog = await self._sync.context.crm.count_deals(FIRST_FLOOR)
        parts = await load_parts(self._sync.context.database, self._sync.kind) or await self._create_parts()
        self._parts = len(parts)
        self._waiting.extend(part for part in parts if not part.done)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(READERS):
                    group.create_task(self._read_parts())
        except BaseExceptionGroup as failed:
            # The first reader to fail cancelled the others; its error is the one to record.
            raise failed.exceptions[0] from None
        return parts

    async def _create_parts(self) -> list[ScanPart]:
        """Equal ranges over the ids that exist now; the last one has no end, for deals created during the scan."""
        bounds = None if self._archived else await self._sync.context.crm.deal_id_bounds()
        self._announced |= set(bounds or ())
        number = min((self._sync.progress.backlog or 0) // DEALS_IN_A_PART + 1, MOST_PARTS)
        parts = _ranges(self._sync.kind, bounds, number)
        await self._save(*parts)
        return parts

    async def _read_parts(self) -> None:
        while (part := await self._next_part()) is not None:
            self._reading.append(part)
            while not part.done:
                await self._read_page(part)
                async with self._page_read:
                    self._page_read.notify_all()
            self._reading.remove(part)

    async def _next_part(self) -> ScanPart | None:
        """None when what is left is not worth another reader; waits while parts are read whose size is not known."""
        if self._waiting:
            return self._waiting.popleft()
        async with self._page_read:
            await self._page_read.wait_for(self._sizes_known)
        largest = max(self._reading, key=self._deals_left, default=None)
        if largest is None or self._deals_left(largest) < 2 * DEALS_IN_A_PART:
            return None
        return await self._split(largest)

    def _sizes_known(self) -> bool:
        return all(part.done or part.part in self._ids_a_deal for part in self._reading)

    def _deals_left(self, part: ScanPart) -> float:
        """Estimated from the density of its last page."""
        return part.span / self._ids_a_deal.get(part.part, inf)

    async def _split(self, part: ScanPart) -> ScanPart:
        """Both halves are saved before either is read further."""
        middle = part.last_id + part.span // 2
        half = ScanPart(part.kind, self._parts, started_at=part.started_at, last_id=middle, until_id=part.until_id)
        self._parts += 1
        part.until_id = middle + 1
        await self._save(part, half)
        return half

    async def _save(self, *parts: ScanPart) -> None:
        async with self._sync.context.database.write() as session:
            for part in parts:
                await save_part(session, part)
            await check_fence(session, self._sync.context.fence)

    async def _read_page(self, part: ScanPart) -> None:
        read_at, first = self._sync.request_time(), part.last_id + 1
        found = await retry_page(self._list_from, first, part.until_id)
        part.started_at = part.started_at or found.server_time - DATE_HEADER_STEP
        # Where the range ends that the page covers of its part; None when it reaches the end of the list.
        end = min((bound for bound in (found.next_id, part.until_id) if bound is not None), default=None)
        # Without the records of the next part; a record without an id is kept by every part that reads it.
        records = [raw for raw in found.records if end is None or (readable_id(raw) or 0) < end]
        page = await self._sync.read(records, read_at)
        if self._find_missing:
            await self._look_up_missing(first, end, page)
        last_id = max(page.ids, default=part.last_id) if end is None else end - 1
        await self._sync.store(page, part, last_id=last_id, done=end == part.until_id)
        if found.next_id is not None:
            # From its first deal on: the gap before it says nothing about the ids after it.
            first_id = min(filter(None, map(readable_id, found.records)), default=first)
            self._ids_a_deal[part.part] = (found.next_id - first_id) / len(found.records)

    async def _list_from(self, first: int, until: int | None) -> ListPage:
        """BadResponse for a page that contradicts itself, or that ends the list although an announced deal is left."""
        found = await self._sync.context.crm.list_deals(after_id=first, archived=self._archived)
        if found.next_id is not None and not found.records:
            raise BadResponse(f"HubSpot's list continues at deal {found.next_id}, but its page has no deals.")
        if found.next_id is None:
            await self._check_end(found, first, until)
        elif found.announces_next:
            self._announced.add(found.next_id)
        return found

    async def _check_end(self, last: ListPage, first: int, until: int | None) -> None:
        announced = {deal for deal in self._announced if deal >= first and (until is None or deal < until)}
        absent = sorted(announced - set(map(readable_id, last.records)))
        # They may have left meanwhile. At most three: the bounds of the list, and the first id of this page.
        crm = self._sync.context.crm
        read = crm.read_archived_deals if self._archived else crm.read_deals
        if absent and (left_out := await read(map(str, absent))).records:
            raise BadResponse(f"HubSpot's list ends without deal {readable_id(left_out.records[0])}, which is in it.")

    async def _look_up_missing(self, first: int, end: int | None, page: DealPage) -> None:
        """The page lists every deal from its first id to the next page's: other deals stored in the range have left."""
        found = await compare_range(self._sync.context.database, first, end, page.ids, archived=self._archived)
        page.reappeared.extend(found.reappeared)
        if found.missing:
            await self._sync.store(await look_up(self._sync, found.missing))


def _ranges(kind: SyncKind, bounds: tuple[int, int] | None, number: int) -> list[ScanPart]:
    if bounds is None:
        return [ScanPart(kind)]
    lowest, highest = bounds
    width = (highest - lowest) // number + 1
    starts: Sequence[int] = [0, *(lowest + width * part for part in range(1, number))]
    ends = [*starts[1:], None]
    return [
        ScanPart(kind, part, last_id=max(start - 1, 0), until_id=end)
        for part, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
