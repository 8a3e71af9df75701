"""Records in HubSpot's JSON format: the requested properties, their history, inline associations."""

from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.account.account import Account
from sandbox.account.associations import ASSOCIATION_TYPES_BY_ID
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.account.timestamps import iso
from sandbox.http.parsing import parse_object_type

# The association routes return the rest, page by page (docs/sandbox.md).
INLINE_ASSOCIATIONS = 100


class RecordSerializer:
    """Undefined `properties` are omitted; defined ones without a value are null."""

    def __init__(
        self,
        account: Account,
        object_type: ObjectType,
        properties: Iterable[str] = (),
        *,
        history: Iterable[str] = (),
        associations: Sequence[str] = (),
    ) -> None:
        self._account = account
        self._object_type = object_type
        requested = set(properties) or set(object_type.defaults)
        defined = account.property_definitions.of(object_type).keys()
        self._names = sorted((requested & defined) | set(object_type.always))
        self._history = sorted(set(history) & defined)
        self._targets = [parse_object_type(name) for name in associations]

    def serialize(self, record: Record) -> dict[str, Any]:
        read, object_type = self._account.read, self._object_type
        shown: dict[str, Any] = {
            "id": str(record.id),
            "properties": {name: read(object_type, record, name) for name in self._names},
            "createdAt": iso(record.created_ms),
            "updatedAt": record.properties[object_type.modified],
            "archived": record.archived_ms is not None,
        }
        if record.archived_ms is not None:
            shown["archivedAt"] = iso(record.archived_ms)
        if self._history:
            shown["propertiesWithHistory"] = {
                name: [
                    {"value": version.value, "timestamp": iso(version.at_ms), "sourceType": version.source}
                    for version in self._account.versions(object_type, record, name)
                ]
                for name in self._history
            }
        associations = self._associations(record) if self._targets else None
        return shown | {"associations": associations} if associations else shown

    def _associations(self, record: Record) -> dict[str, Any]:
        """One entry for each association type, so a primary company appears twice."""
        shown = {}
        for target in self._targets:
            associated = self._account.associations.of(self._object_type.name, record.id, target.name)
            entries = [
                {"id": str(other), "type": ASSOCIATION_TYPES_BY_ID[type_id].name}
                for other, type_ids in sorted(associated.items())
                for type_id in type_ids
            ]
            if entries:
                shown[target.inline_name] = _first_page(entries)
        return shown


def _first_page(entries: list[dict[str, str]]) -> dict[str, Any]:
    page: dict[str, Any] = {"results": entries[:INLINE_ASSOCIATIONS]}
    if len(entries) > INLINE_ASSOCIATIONS:
        page["paging"] = {"next": {"after": entries[INLINE_ASSOCIATIONS]["id"]}}
    return page
