"""Everything that the simulated HubSpot account holds, and the writes as HubSpot performs them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from core.clock import Clock
from sandbox.account.associations import Associations
from sandbox.account.calculated_properties import CALCULATED
from sandbox.account.object_types import DEALS, NOTES, TASKS, TYPES, ObjectType
from sandbox.account.property_definitions import PropertyDefinitions
from sandbox.account.records import History, Record, Version
from sandbox.account.table import Table
from sandbox.account.timestamps import iso, milliseconds, parse_timestamp
from sandbox.config import Config

# HubSpot keeps 20 versions of a property (45 of a contact's); developers.hubspot.com, "Using object APIs".
VERSIONS_KEPT = 20
_NO_HISTORY: History = {}
# The timestamps that HubSpot itself sets when one of these properties changes.
_CHANGE_TIMESTAMPS = {
    "dealstage": "hs_v2_date_entered_current_stage",
    "hubspot_owner_id": "hubspot_owner_assigneddate",
}
# HubSpot sets these on a deal when an activity is logged on it, by a user or by an integration.
_ACTIVITIES = (NOTES, TASKS)
_ACTIVITY_TIMESTAMPS = ("notes_last_updated", "hs_last_activity_date")


def seeded(seed: int, purpose: str) -> Random:
    """A generator for one purpose, so that drawing more numbers for one purpose changes no other."""
    return Random(f"{seed}:{purpose}")  # noqa: S311 - invented data must repeat, not be unpredictable


class Account:
    """`seed` decides the gaps between ids and the lags of the search index; `clock` gives every write its timestamp."""

    def __init__(self, clock: Clock, seed: int, config: Config | None = None) -> None:
        self.clock = clock
        self.seed = seed
        self.config = config or Config()
        self.property_definitions = PropertyDefinitions()
        self.associations = Associations()
        self._lags = seeded(seed, "lags of the index")
        self._shared_timestamp_ms: int | None = None
        self._tables = {
            object_type.name: Table(object_type, seeded(seed, f"ids of {object_type.name}")) for object_type in TYPES
        }

    def table(self, object_type: ObjectType) -> Table:
        return self._tables[object_type.name]

    @property
    def stateful_parts(self) -> tuple[object, ...]:
        """Every object that holds state, for a snapshot."""
        tables = self._tables.values()
        return (self, self.property_definitions, self.associations, *tables, *(table.index for table in tables))

    def skip_ids(self, seconds: int) -> None:
        """New records get ids above those that an earlier start of the sandbox has given."""
        for table in self._tables.values():
            table.skip_ids(max(seconds, 0))

    def now_ms(self) -> int:
        return milliseconds(self.clock.now()) if self._shared_timestamp_ms is None else self._shared_timestamp_ms

    @contextmanager
    def shared_timestamp(self) -> Iterator[None]:
        """All writes in the block get the same timestamp, as those of a bulk update do."""
        self._shared_timestamp_ms = self.now_ms()
        try:
            yield
        finally:
            self._shared_timestamp_ms = None

    def insert(
        self,
        object_type: ObjectType,
        properties: Mapping[str, str],
        *,
        created_ms: int | None = None,
        modified_ms: int | None = None,
        history: History = _NO_HISTORY,
        associations: Iterable[tuple[int, int]] = (),
    ) -> Record:
        """Create a record, by default with the current time. `associations` are pairs (association type, other id)."""
        created = self.now_ms() if created_ms is None else created_ms
        modified = created if modified_ms is None else modified_ms
        record_id = self.table(object_type).next_id()
        stored = {
            object_type.created: iso(created),
            **properties,
            "hs_object_id": str(record_id),
            object_type.modified: iso(modified),
        }
        record = self._store(object_type, Record(record_id, stored, created, modified, history))
        for type_id, other_id in associations:
            self.associations.add(type_id, record_id, other_id)
        # Those of the past, which the account begins with, are in its deals' times already.
        if created_ms is None and object_type in _ACTIVITIES:
            self._log_activity(object_type, record)
        return record

    def _log_activity(self, object_type: ObjectType, record: Record) -> None:
        """Its deals get the time of a new activity unless they have a later one; one in the future counts as now."""
        happened = parse_timestamp(record.get("hs_timestamp") or "")
        active = iso(record.created_ms if happened is None else min(happened, record.created_ms))
        for deal_id in self.associations.of(object_type.name, record.id, DEALS.name):
            deal = self.table(DEALS)[deal_id]
            later = {name: max(active, deal.get(name) or "") for name in _ACTIVITY_TIMESTAMPS}
            self.update(DEALS, deal, later)

    def update(
        self, object_type: ObjectType, record: Record, changes: Mapping[str, str], source: str = "API"
    ) -> Record:
        """Set properties, clear those whose new value is empty, and set the modification time."""
        now = max(self.now_ms(), record.modified_ms)
        timestamps = {
            timestamp: iso(now)
            for name, timestamp in _CHANGE_TIMESTAMPS.items()
            if name in changes and changes[name] != record.properties.get(name)
        }
        updated = {**record.properties, **timestamps, **changes}
        properties = {name: value for name, value in updated.items() if value != ""}
        properties[object_type.modified] = iso(now)
        history = {**record.history, **{name: self._versions(record, name, changes, now, source) for name in changes}}
        return self._store(object_type, replace(record, properties=properties, modified_ms=now, history=history))

    def backdate(self, object_type: ObjectType, record: Record, modified_ms: int) -> Record:
        """Set the modification time, as HubSpot has been seen to do, to one before that of an earlier version."""
        properties = {**record.properties, object_type.modified: iso(modified_ms)}
        return self._store(object_type, replace(record, properties=properties, modified_ms=modified_ms))

    def archive(self, object_type: ObjectType, record: Record) -> Record:
        """Move to the recycle bin. The modification time does not change (docs/sandbox.md)."""
        return self._store(object_type, replace(record, archived_ms=max(self.now_ms(), record.created_ms)))

    def restore(self, object_type: ObjectType, record: Record) -> Record:
        """Out of the recycle bin, with the same modification time: the harder case for a sync (docs/sandbox.md)."""
        return self._store(object_type, replace(record, archived_ms=None))

    def purge(self, object_type: ObjectType, record: Record) -> Record:
        """Delete permanently, from the recycle bin too."""
        self.associations.remove_all(object_type.name, record.id)
        return self._store(object_type, replace(record, purged=True))

    def merge_into(self, object_type: ObjectType, record: Record, merged: Record) -> Record:
        """`merged` gets the associations of `record`, and is returned for its id."""
        self.associations.move(object_type.name, record.id, merged.id)
        archived_ms = max(self.now_ms(), record.created_ms) if self.config.merged_in_recycle_bin else None
        return self._store(object_type, replace(record, archived_ms=archived_ms, merged_into=merged.id))

    def read(self, object_type: ObjectType, record: Record, name: str) -> str | None:
        """The value of a property, stored or calculated; None when it has none."""
        calculation = CALCULATED.get((object_type.name, name))
        return record.properties.get(name) if calculation is None else calculation(record, self.associations)

    def versions(self, object_type: ObjectType, record: Record, name: str) -> tuple[Version, ...]:
        """The history of a property, newest first; without a history, the current value as of the creation."""
        known = record.history.get(name)
        return _first_version(record, self.read(object_type, record, name)) if known is None else known

    def _store(self, object_type: ObjectType, record: Record) -> Record:
        """Into the table at once, into the search index after its lag."""
        table = self.table(object_type)
        table.put(record)
        low, high = self.config.lag_ms
        lag = self._lags.randint(low, high) if high else 0
        table.index.put(record, milliseconds(self.clock.now()) + lag if lag else None)
        return record

    @staticmethod
    def _versions(record: Record, name: str, changes: Mapping[str, str], now: int, source: str) -> tuple[Version, ...]:
        former = record.history.get(name)
        if former is None:
            former = _first_version(record, record.properties.get(name))
        return (Version(changes[name], now, source), *former)[:VERSIONS_KEPT]


def _first_version(record: Record, value: str | None) -> tuple[Version, ...]:
    """The version that a record was created with; none when the property had no value."""
    return () if value is None else (Version(value, record.created_ms, "CRM_UI"),)
