"""What search sees. It is apart from the store, as HubSpot's index is: a record is found once it was `put` here.

Today a write is put at once; whoever wants an index that lags delays `put` and nothing else.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from sandbox.records import Record


class SearchIndex:
    """The live records of one type, reachable by id and by time of modification."""

    def __init__(self) -> None:
        self._records: dict[int, Record] = {}
        self._ids: list[int] = []
        self._by_modified: list[tuple[int, int]] = []

    def put(self, record: Record) -> None:
        """Take in a new or changed record; an archived one disappears."""
        self._forget(record.id)
        if record.archived_ms is None:
            self._records[record.id] = record
            insort(self._ids, record.id)
            insort(self._by_modified, (record.modified_ms, record.id))

    def candidates(self, *, first_id: int = 0, modified_since: int = 0) -> Iterator[Record]:
        """Every record from that id and that time on, and perhaps some more: the shorter of the two lists."""
        from_id = bisect_left(self._ids, first_id)
        from_time = bisect_left(self._by_modified, (modified_since, 0))
        if len(self._by_modified) - from_time < len(self._ids) - from_id:
            return self._all(record_id for _, record_id in self._by_modified[from_time:])
        return self._all(self._ids[from_id:])

    def _all(self, ids: Iterable[int]) -> Iterator[Record]:
        return (self._records[record_id] for record_id in ids)

    def _forget(self, record_id: int) -> None:
        former = self._records.pop(record_id, None)
        if former is not None:
            del self._ids[bisect_left(self._ids, record_id)]
            del self._by_modified[bisect_left(self._by_modified, (former.modified_ms, record_id))]
