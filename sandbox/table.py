"""The records of one type: by id, and as two sorted lists of ids, the live ones and the recycle bin."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from random import Random

from sandbox.object_types import ObjectType
from sandbox.records import Record
from sandbox.search_index import SearchIndex

# Gaps between ids: an account shares HubSpot's counters with all others.
LARGEST_GAP = 9_000
# More than lively mode uses up: a creation every four seconds takes 1,125 ids a second on average.
IDS_A_SECOND = 5_000


class Table:
    def __init__(self, kind: ObjectType, rng: Random) -> None:
        self.kind = kind
        self.index = SearchIndex()
        self._rng = rng
        self._records: dict[int, Record] = {}
        self._live: list[int] = []
        self._archived: list[int] = []
        self._last_id = kind.first_id

    def __len__(self) -> int:
        """How many live records there are."""
        return len(self._live)

    def __iter__(self) -> Iterator[Record]:
        """All records, archived ones included, in the order in which they were made."""
        return iter(self._records.values())

    @property
    def live_ids(self) -> Sequence[int]:
        return self._live

    def next_id(self) -> int:
        self._last_id += self._rng.randint(1, LARGEST_GAP)
        return self._last_id

    def leap(self, seconds: int) -> None:
        """Leave out the ids of that many seconds: what is made from now on has an id that no earlier start gave."""
        self._last_id += seconds * IDS_A_SECOND

    def get(self, record_id: int) -> Record | None:
        return self._records.get(record_id)

    def put(self, record: Record) -> None:
        """Store a new record, or another version of one."""
        former = self._records.get(record.id)
        if former is None or (former.archived_ms is None) != (record.archived_ms is None):
            self._enlist(record, former)
        self._records[record.id] = record
        self.index.put(record)

    def page(self, after: int, limit: int, *, archived: bool = False) -> tuple[list[Record], int | None]:
        """Up to `limit` records by ascending id from the id `after` on, and the id that the next page starts with."""
        ids = self._archived if archived else self._live
        start = bisect_left(ids, after)
        records = [self._records[record_id] for record_id in ids[start : start + limit]]
        return records, ids[start + limit] if start + limit < len(ids) else None

    def _enlist(self, record: Record, former: Record | None) -> None:
        joins, leaves = (self._live, self._archived) if record.archived_ms is None else (self._archived, self._live)
        if former is not None:
            del leaves[bisect_left(leaves, record.id)]
        insort(joins, record.id)
