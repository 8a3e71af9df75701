"""The records of one object type: by id, and two sorted lists of ids, one of live records, one of the recycle bin."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from random import Random

from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.account.search_index import SearchIndex

# Between two ids: all accounts of HubSpot draw from the same counters.
LARGEST_GAP = 9_000
# More than background edits use: a creation every four seconds takes 1,125 ids a second on average.
IDS_A_SECOND = 5_000


class Table:
    def __init__(self, object_type: ObjectType, rng: Random) -> None:
        self.index = SearchIndex()
        self._rng = rng
        self._records: dict[int, Record] = {}
        self._live: list[int] = []
        self._archived: list[int] = []
        self._gone: dict[int, Record] = {}
        self._last_id = object_type.first_id

    def __len__(self) -> int:
        """The number of live records."""
        return len(self._live)

    def __iter__(self) -> Iterator[Record]:
        """All records, including archived ones, in order of creation."""
        return iter(self._records.values())

    @property
    def gone(self) -> Sequence[Record]:
        """Merged and purged records, in their last version."""
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

    def skip_ids(self, seconds: int) -> None:
        """Skip the ids of that many seconds, so that a new record gets an id that no earlier start has given."""
        self._last_id += seconds * IDS_A_SECOND

    def __getitem__(self, record_id: int) -> Record:
        return self._records[record_id]

    def get(self, record_id: int) -> Record | None:
        """The record with that id, live or archived."""
        return self._records.get(record_id)

    def survivor(self, record_id: int) -> Record | None:
        """As `get`; for a record that was merged, the record that the merges ended in."""
        gone = self._gone.get(record_id)
        while gone is not None and gone.merged_into is not None:
            record_id = gone.merged_into
            gone = self._gone.get(record_id)
        return self._records.get(record_id)

    def was_merged(self, record_id: int) -> bool:
        gone = self._gone.get(record_id)
        return gone is not None and gone.merged_into is not None

    def put(self, record: Record) -> None:
        """Store a new record or a new version of a record."""
        stays = record.is_live or record.is_in_recycle_bin
        former = self._records.get(record.id) if stays else self._records.pop(record.id, None)
        old_ids = None if former is None else self._ids_with(former)
        new_ids = self._ids_with(record)
        if new_ids is not old_ids:
            if old_ids is not None:
                del old_ids[bisect_left(old_ids, record.id)]
            if new_ids is not None:
                insort(new_ids, record.id)
        if stays:
            self._records[record.id] = record
        if record.is_gone:
            self._gone[record.id] = record

    def page(self, after: int, limit: int, *, archived: bool = False) -> tuple[list[Record], int | None]:
        """Up to `limit` records by ascending id, starting at the id `after`, and the first id of the next page."""
        ids = self._archived if archived else self._live
        start = bisect_left(ids, after)
        records = [self._records[record_id] for record_id in ids[start : start + limit]]
        return records, ids[start + limit] if start + limit < len(ids) else None

    def _ids_with(self, record: Record) -> list[int] | None:
        """The list of ids that contains a record in this state; None for one that is nowhere."""
        if record.is_in_recycle_bin:
            return self._archived
        return self._live if record.is_live else None
