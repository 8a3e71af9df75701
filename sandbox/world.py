"""Everything that the sandbox's HubSpot account holds, and the writes that HubSpot would make."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from core.clock import Clock
from sandbox.calculated import CALCULATED
from sandbox.links import Links
from sandbox.object_types import TYPES, ObjectType
from sandbox.records import History, Record, Version, iso, milliseconds
from sandbox.table import Table

# HubSpot keeps 20 versions of a property (45 of a contact's); developers.hubspot.com, "Using object APIs".
VERSIONS_KEPT = 20
_NO_HISTORY: History = {}


def seeded(seed: int, part: str) -> Random:
    """A generator for one part of the world, so that drawing more in one part changes no other."""
    return Random(f"{seed}:{part}")  # noqa: S311 - invented data must repeat, not be unpredictable


class World:
    """One account. `seed` decides the gaps between ids; `clock` stamps every write."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.seed = seed
        self.links = Links()
        self._tables = {kind.name: Table(kind, seeded(seed, f"ids of {kind.name}")) for kind in TYPES}

    def table(self, kind: ObjectType) -> Table:
        return self._tables[kind.name]

    def leap_ids(self, seconds: int) -> None:
        """What is made from now on has ids beyond those that an earlier start has given."""
        for table in self._tables.values():
            table.leap(max(seconds, 0))

    def now_ms(self) -> int:
        return milliseconds(self.clock.now())

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
        record = Record(record_id, kept, created, modified, history)
        table.put(record)
        return record

    def update(self, kind: ObjectType, record: Record, changes: Mapping[str, str], source: str = "API") -> Record:
        """Set properties, clear those whose new value is empty, and move the time of modification."""
        now = max(self.now_ms(), record.modified_ms)
        stamped = dict(changes) | self._stamps(record, changes, now)
        properties = {name: value for name, value in {**record.properties, **stamped}.items() if value != ""}
        properties[kind.modified] = iso(now)
        history = {**record.history, **{name: self._versions(record, name, changes, now, source) for name in changes}}
        changed = replace(record, properties=properties, modified_ms=now, history=history)
        self.table(kind).put(changed)
        return changed

    def archive(self, kind: ObjectType, record: Record) -> Record:
        """Into the recycle bin. The time of modification stays (docs/sandbox.md)."""
        archived = replace(record, archived_ms=max(self.now_ms(), record.created_ms))
        self.table(kind).put(archived)
        return archived

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
