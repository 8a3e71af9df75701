"""The properties of this account: HubSpot's own and those that users have created."""

from collections.abc import Mapping

from sandbox.account.object_types import TYPES, ObjectType
from sandbox.account.properties import Property


class PropertyDefinitions:
    """For each object type: its properties by name, and the labels of its property groups by name."""

    def __init__(self) -> None:
        self._properties = {object_type.name: dict(object_type.properties) for object_type in TYPES}
        self._groups = {
            object_type.name: {known.group: known.group for known in object_type.properties.values()}
            for object_type in TYPES
        }

    def of(self, object_type: ObjectType) -> Mapping[str, Property]:
        return self._properties[object_type.name]

    def groups(self, object_type: ObjectType) -> Mapping[str, str]:
        return self._groups[object_type.name]

    def add(self, object_type: ObjectType, definition: Property) -> None:
        self._properties[object_type.name][definition.name] = definition

    def remove(self, object_type: ObjectType, name: str) -> None:
        del self._properties[object_type.name][name]

    def add_group(self, object_type: ObjectType, name: str, label: str) -> None:
        self._groups[object_type.name][name] = label
