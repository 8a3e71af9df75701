"""Everything that the sandbox's HubSpot account holds, and the writes that HubSpot would make."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from random import Random

from core.clock import Clock
from sandbox.account.associations import Links
from sandbox.account.calculated_properties import CALCULATED
from sandbox.account.object_types import TYPES, ObjectType
from sandbox.account.property_definitions import Definitions
from sandbox.account.records import History, Record, Version, iso, milliseconds
from sandbox.account.table import Table
from sandbox.config import Config

# HubSpot keeps 20 versions of a property (45 of a contact's); developers.hubspot.com, "Using object APIs".
VERSIONS_KEPT = 20
_NO_HISTORY: History = {}


def seeded(seed: int, part: str) -> Random:
    """A generator for one part of the world, so that drawing more in one part changes no other."""
    return Random(f"{seed}:{part}")  # noqa: S311 - invented data must repeat, not be unpredictable


class World:
    """One account. `seed` decides the gaps between ids and the lags of the index; `clock` stamps every write."""

    def __init__(self, clock: Clock, seed: int, config: Config | None = None) -> None:
        self.clock = clock
        self.seed = seed
        self.config = config or Config()
        self.definitions = Definitions()
        self.links = Links()
        self._lags = seeded(seed, "lags of the index")
        self._moment: int | None = None
        self._tables = {kind.name: Table(kind, seeded(seed, f"ids of {kind.name}")) for kind in TYPES}

    def table(self, kind: ObjectType) -> Table:
        return self._tables[kind.name]

    @property
    def parts(self) -> tuple[object, ...]:
        """Everything that holds a part of the state: what a snapshot puts aside."""
        tables = self._tables.values()
        return (self, self.definitions, self.links, *tables, *(table.index for table in tables))

    def leap_ids(self, seconds: int) -> None:
        """What is made from now on has ids beyond those that an earlier start has given."""
        for table in self._tables.values():
            table.leap(max(seconds, 0))

    def now_ms(self) -> int:
        return milliseconds(self.clock.now()) if self._moment is None else self._moment

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """All writes of the block carry one time stamp, as those of a bulk update do."""
        self._moment = self.now_ms()
        try:
            yield
        finally:
            self._moment = None

    def insert(
        self,
        kind: ObjectType,
        properties: Mapping[str, str],
        *,
        created_ms: int | None = None,
        modified_ms: int | None = None,
        history: History = _NO_HISTORY,
    ) -> Record:
        """Create a record; now, unless told when."""
        created = self.now_ms() if created_ms is None else created_ms
        modified = created if modified_ms is None else modified_ms
        table = self.table(kind)
        record_id = table.next_id()
        kept = {
            kind.created: iso(created),
            **properties,
            "hs_object_id": str(record_id),
            kind.modified: iso(modified),
        }
        return self._store(kind, Record(record_id, kept, created, modified, history))

    def update(self, kind: ObjectType, record: Record, changes: Mapping[str, str], source: str = "API") -> Record:
        """Set properties, clear those whose new value is empty, and move the time of modification."""
        now = max(self.now_ms(), record.modified_ms)
        stamped = dict(changes) | self._stamps(record, changes, now)
        properties = {name: value for name, value in {**record.properties, **stamped}.items() if value != ""}
        properties[kind.modified] = iso(now)
        history = {**record.history, **{name: self._versions(record, name, changes, now, source) for name in changes}}
        return self._store(kind, replace(record, properties=properties, modified_ms=now, history=history))

    def archive(self, kind: ObjectType, record: Record) -> Record:
        """Into the recycle bin. The time of modification stays (docs/sandbox.md)."""
        return self._store(kind, replace(record, archived_ms=max(self.now_ms(), record.created_ms)))

    def restore(self, kind: ObjectType, record: Record) -> Record:
        """Out of the recycle bin. The time of modification stays: the harder case for a sync (docs/sandbox.md)."""
        return self._store(kind, replace(record, archived_ms=None))

    def purge(self, kind: ObjectType, record: Record) -> Record:
        """Gone for good, out of the recycle bin too."""
        self.links.drop(kind.name, record.id)
        return self._store(kind, replace(record, purged=True))

    def retire(self, kind: ObjectType, record: Record, heir: Record) -> Record:
        """Merged away: the heir takes over its associations and answers for it."""
        self.links.move(kind.name, record.id, heir.id)
        return self._store(kind, replace(record, archived_ms=None, merged_into=heir.id))

    def read(self, kind: ObjectType, record: Record, name: str) -> str | None:
        """The value of a property as an answer shows it, calculated ones included; None when there is none."""
        calculation = CALCULATED.get((kind.name, name))
        return record.properties.get(name) if calculation is None else calculation(record, self.links)

    def versions(self, kind: ObjectType, record: Record, name: str) -> tuple[Version, ...]:
        """The history of a property, newest first; the value it was created with when nothing else is known."""
        known = record.history.get(name)
        if known is not None:
            return known
        value = self.read(kind, record, name)
        return () if value is None else (Version(value, record.created_ms, "CRM_UI"),)

    def _store(self, kind: ObjectType, record: Record) -> Record:
        """Into the store at once, into the index when its lag is over."""
        table = self.table(kind)
        table.put(record)
        low, high = self.config.lag_ms
        lag = self._lags.randint(low, high) if high else 0
        table.index.put(record, milliseconds(self.clock.now()) + lag if lag else None)
        return record

    def _versions(
        self, record: Record, name: str, changes: Mapping[str, str], now: int, source: str
    ) -> tuple[Version, ...]:
        former = record.history.get(name)
        if former is None:
            value = record.properties.get(name)
            former = () if value is None else (Version(value, record.created_ms, "CRM_UI"),)
        return (Version(changes[name], now, source), *former)[:VERSIONS_KEPT]

    @staticmethod
    def _stamps(record: Record, changes: Mapping[str, str], now: int) -> dict[str, str]:
        """The times that HubSpot itself sets when a stage or an owner changes."""
        stamps = {"dealstage": "hs_v2_date_entered_current_stage", "hubspot_owner_id": "hubspot_owner_assigneddate"}
        return {
            stamp: iso(now)
            for name, stamp in stamps.items()
            if name in changes and changes[name] != record.properties.get(name)
        }
