"""The properties of this account: HubSpot's own, and those that somebody has added."""

from collections.abc import Iterable, Mapping

from sandbox.account.object_types import TYPES, ObjectType
from sandbox.account.properties import Property


class Definitions:
    """Of each object type: its properties by name, and its groups of properties with their labels."""

    def __init__(self) -> None:
        self._properties = {kind.name: dict(kind.properties) for kind in TYPES}
        self._groups = {kind.name: _groups(kind.properties.values()) for kind in TYPES}

    def of(self, kind: ObjectType) -> Mapping[str, Property]:
        return self._properties[kind.name]

    def groups(self, kind: ObjectType) -> Mapping[str, str]:
        return self._groups[kind.name]

    def add(self, kind: ObjectType, definition: Property) -> None:
        self._properties[kind.name][definition.name] = definition

    def remove(self, kind: ObjectType, name: str) -> None:
        del self._properties[kind.name][name]

    def add_group(self, kind: ObjectType, name: str, label: str) -> None:
        self._groups[kind.name][name] = label


def _groups(definitions: Iterable[Property]) -> dict[str, str]:
    return {definition.group: definition.group for definition in definitions}
