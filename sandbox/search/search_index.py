"""What search sees. It is apart from the store, as HubSpot's index is, and learns of each write with a lag.

Recorded traffic shows it (docs/sandbox.md, "Search"): a record was found by a value that it no longer had, and not yet
found by the one that it had.
"""

from bisect import bisect_left
from heapq import heappop, heappush
from itertools import compress

from sandbox.account.records import Record

# Whoever asks for everything asks from here on: no instant is earlier.
ALWAYS = -(2**63)


class SearchIndex:
    """Copies of the live records of one type, in three parallel lists by ascending id."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._copies: list[Record] = []
        self._modified: list[int] = []
        # Writes that are not to be seen yet: when they will be, their number, and what was written.
        self._pending: list[tuple[int, int, Record]] = []
        self._writes = 0
        self._newest: dict[int, int] = {}
        # Found here still, although they are no longer live in the store.
        self._ghosts: set[int] = set()

    def put(self, record: Record, visible_ms: int | None = None) -> None:
        """Take in a new or changed record: at once, or when the clock shows that time."""
        self._writes += 1
        (self._ghosts.discard if record.is_live else self._ghosts.add)(record.id)
        if visible_ms is None:
            self._apply(self._writes, record)
        else:
            heappush(self._pending, (visible_ms, self._writes, record))

    def settle(self, now_ms: int) -> None:
        """Show what has become visible by now."""
        while self._pending and self._pending[0][0] <= now_ms:
            _, number, record = heappop(self._pending)
            self._apply(number, record)

    @property
    def lagging(self) -> int:
        """How many writes are not to be seen yet."""
        return len(self._pending)

    def candidates(self, *, first_id: int = 0, modified_since: int = ALWAYS) -> list[Record]:
        """Every record from that id and that time on, by ascending id."""
        start = bisect_left(self._ids, first_id)
        found = self._copies[start:]
        if modified_since != ALWAYS:
            found = list(compress(found, map(modified_since.__le__, self._modified[start:])))
        return [copy for copy in found if copy.id not in self._ghosts] if self._ghosts else found

    def _apply(self, number: int, record: Record) -> None:
        """An older write that arrives after a newer one has no effect."""
        if self._newest.get(record.id, 0) > number:
            return
        self._newest[record.id] = number
        place = bisect_left(self._ids, record.id)
        known = place < len(self._ids) and self._ids[place] == record.id
        if not record.is_live:
            self._ghosts.discard(record.id)
            if known:
                self._remove(place)
        else:
            self._insert(place, record, replace=known)

    def _insert(self, place: int, record: Record, *, replace: bool) -> None:
        where = slice(place, place + replace)
        self._ids[where] = [record.id]
        self._copies[where] = [record]
        self._modified[where] = [record.modified_ms]

    def _remove(self, place: int) -> None:
        for parallel in (self._ids, self._copies, self._modified):
            del parallel[place]
