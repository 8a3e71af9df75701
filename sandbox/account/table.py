"""The records of one type: by id, and as two sorted lists of ids, the live ones and the recycle bin."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from random import Random

from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.search.search_index import SearchIndex

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
        self._gone: dict[int, Record] = {}
        self._last_id = kind.first_id

    def __len__(self) -> int:
        """How many live records there are."""
        return len(self._live)

    def __iter__(self) -> Iterator[Record]:
        """All records, archived ones included, in the order in which they were made."""
        return iter(self._records.values())

    @property
    def gone(self) -> Sequence[Record]:
        """What was merged away or purged, as it last was."""
        return list(self._gone.values())

    @property
    def live_ids(self) -> Sequence[int]:
        return self._live

    @property
    def archived_ids(self) -> Sequence[int]:
        return self._archived

    def next_id(self) -> int:
        self._last_id += self._rng.randint(1, LARGEST_GAP)
        return self._last_id

    def leap(self, seconds: int) -> None:
        """Leave out the ids of that many seconds: what is made from now on has an id that no earlier start gave."""
        self._last_id += seconds * IDS_A_SECOND

    def get(self, record_id: int) -> Record | None:
        """The record of that id, live or archived."""
        return self._records.get(record_id)

    def survivor(self, record_id: int) -> Record | None:
        """As `get`; of a record that was merged away, the one that it has become, after however many merges."""
        gone = self._gone.get(record_id)
        while gone is not None and gone.merged_into is not None:
            record_id = gone.merged_into
            gone = self._gone.get(record_id)
        return self._records.get(record_id)

    def was_merged(self, record_id: int) -> bool:
        gone = self._gone.get(record_id)
        return gone is not None and gone.merged_into is not None

    def put(self, record: Record) -> None:
        """Store a new record, or another version of one."""
        former = self._records.pop(record.id, None) if record.is_gone else self._records.get(record.id)
        leaves = None if former is None else self._listing(former)
        joins = self._listing(record)
        if joins is not leaves:
            _move(record.id, leaves, joins)
        (self._gone if record.is_gone else self._records)[record.id] = record

    def page(self, after: int, limit: int, *, archived: bool = False) -> tuple[list[Record], int | None]:
        """Up to `limit` records by ascending id from the id `after` on, and the id that the next page starts with."""
        ids = self._archived if archived else self._live
        start = bisect_left(ids, after)
        records = [self._records[record_id] for record_id in ids[start : start + limit]]
        return records, ids[start + limit] if start + limit < len(ids) else None

    def _listing(self, record: Record) -> list[int] | None:
        """The list that a record of that kind stands in; none for what is gone."""
        if record.is_gone:
            return None
        return self._live if record.archived_ms is None else self._archived


def _move(record_id: int, leaves: list[int] | None, joins: list[int] | None) -> None:
    if leaves is not None:
        del leaves[bisect_left(leaves, record_id)]
    if joins is not None:
        insort(joins, record_id)
