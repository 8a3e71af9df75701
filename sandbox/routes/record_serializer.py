"""Records as answers show them: the properties asked for, their history, associations, in HubSpot's shape."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.account.account import World
from sandbox.account.associations import BY_ID
from sandbox.account.object_types import ObjectType, find_type
from sandbox.account.records import Record, iso
from sandbox.http import errors

# More are paged, by the association routes (docs/sandbox.md).
INLINE_ASSOCIATIONS = 100


class Projection:
    """`properties` that are not defined are left out, defined ones without a value are null."""

    def __init__(
        self,
        world: World,
        kind: ObjectType,
        properties: Iterable[str] = (),
        *,
        history: Iterable[str] = (),
        associations: Sequence[str] = (),
    ) -> None:
        self._world = world
        self._kind = kind
        asked = set(properties) or set(kind.defaults)
        defined = world.definitions.of(kind).keys()
        self._names = sorted((asked & defined) | set(kind.always))
        self._history = sorted(set(history) & defined)
        self._targets = [_target(name) for name in associations]

    def show(self, record: Record) -> dict[str, Any]:
        read, kind = self._world.read, self._kind
        shown: dict[str, Any] = {
            "id": str(record.id),
            "properties": {name: read(kind, record, name) for name in self._names},
            "createdAt": iso(record.created_ms),
            "updatedAt": record.properties[kind.modified],
            "archived": record.archived_ms is not None,
        }
        if record.archived_ms is not None:
            shown["archivedAt"] = iso(record.archived_ms)
        if self._history:
            shown["propertiesWithHistory"] = {name: self._versions(record, name) for name in self._history}
        associations = self._associations(record) if self._targets else None
        return shown | {"associations": associations} if associations else shown

    def show_all(self, records: Iterable[Record]) -> list[dict[str, Any]]:
        return [self.show(record) for record in records]

    def _versions(self, record: Record, name: str) -> list[dict[str, Any]]:
        return [
            {"value": version.value, "timestamp": iso(version.at_ms), "sourceType": version.source}
            for version in self._world.versions(self._kind, record, name)
        ]

    def _associations(self, record: Record) -> dict[str, Any]:
        """Each type of association is an entry, so that a primary company appears twice."""
        shown = {}
        for target in self._targets:
            linked = sorted(self._world.links.of(self._kind.name, record.id, target.name).items())
            entries = [
                {"id": str(other), "type": BY_ID[type_id].name} for other, type_ids in linked for type_id in type_ids
            ]
            if entries:
                shown[target.inline_name] = _page(entries)
        return shown


def _page(entries: list[dict[str, str]]) -> dict[str, Any]:
    page: dict[str, Any] = {"results": entries[:INLINE_ASSOCIATIONS]}
    if len(entries) > INLINE_ASSOCIATIONS:
        page["paging"] = {"next": {"after": entries[INLINE_ASSOCIATIONS]["id"]}}
    return page


def _target(name: str) -> ObjectType:
    kind = find_type(name)
    if kind is None:
        raise errors.unknown_type(name)
    return kind
