"""What a search sees. As in HubSpot, the index is separate from the records and receives each write with a lag.

Recorded traffic shows it (docs/sandbox.md, "Search"): a search found a record by a value that it no longer had, and did
not find it by its current value.
"""

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import compress

from sandbox.account.records import Record

# The lower bound of a search for all records: earlier than every timestamp.
BEFORE_ALL_MS = -(2**63)


class SearchIndex:
    """Copies of the live records of one object type, in three parallel lists by ascending id."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._copies: list[Record] = []
        self._modified: list[int] = []
        # A heap of the writes that are not visible yet: the time at which they become visible, the number, the record.
        self._pending: list[tuple[int, int, Record]] = []
        self._writes = 0
        self._newest_write: dict[int, int] = {}
        # Ids of records that are still in the index, although they are no longer live.
        self._no_longer_live: set[int] = set()

    def put(self, record: Record, visible_ms: int | None = None) -> None:
        """Index a new or changed record, at once or when the clock reaches `visible_ms`."""
        self._writes += 1
        if record.is_live:
            self._no_longer_live.discard(record.id)
        else:
            self._no_longer_live.add(record.id)
        if visible_ms is None:
            self._apply(self._writes, record)
        else:
            heappush(self._pending, (visible_ms, self._writes, record))

    def apply_visible(self, now_ms: int) -> None:
        """Apply the pending writes whose lag has passed."""
        while self._pending and self._pending[0][0] <= now_ms:
            _, number, record = heappop(self._pending)
            self._apply(number, record)

    def candidates(self, *, first_id: int = 0, modified_since: int = BEFORE_ALL_MS) -> list[Record]:
        """Every record from that id and that modification time on, by ascending id."""
        start = bisect_left(self._ids, first_id)
        found = self._copies[start:]
        if modified_since != BEFORE_ALL_MS:
            found = list(compress(found, map(modified_since.__le__, self._modified[start:])))
        return [copy for copy in found if copy.id not in self._no_longer_live] if self._no_longer_live else found

    def _apply(self, number: int, record: Record) -> None:
        """An older write that arrives after a newer one has no effect."""
        if self._newest_write.get(record.id, 0) > number:
            return
        self._newest_write[record.id] = number
        place = bisect_left(self._ids, record.id)
        known = place < len(self._ids) and self._ids[place] == record.id
        replaced = slice(place, place + known)
        if record.is_live:
            self._ids[replaced] = [record.id]
            self._copies[replaced] = [record]
            self._modified[replaced] = [record.modified_ms]
        else:
            self._no_longer_live.discard(record.id)
            for parallel in (self._ids, self._copies, self._modified):
                del parallel[replaced]
