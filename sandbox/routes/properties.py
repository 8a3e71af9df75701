"""Properties of the account: list, read, create, remove, and the groups that they stand in."""

import re
from typing import Any

from starlette.responses import Response

from sandbox.account.account import World
from sandbox.account.object_types import ObjectType
from sandbox.account.properties import FIELD_TYPES, Property
from sandbox.account.records import iso
from sandbox.http import errors
from sandbox.http.call import Call, objects_of
from sandbox.http.endpoints import json_response

MOST_BATCH_INPUTS = 100
REQUIRED = ("name", "label", "type", "fieldType", "groupName")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


class PropertyRoutes:
    """Handlers over one world. What is created exists for reads, writes and searches from then on."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_all(self, call: Call) -> Response:
        listed = () if call.flag("archived") else self._world.definitions.of(call.kind()).values()
        return json_response({"results": [definition.body() for definition in listed]})

    def read_one(self, call: Call) -> Response:
        return json_response(self._find(call).body())

    def create(self, call: Call) -> Response:
        kind = call.kind()
        definition = self._checked(kind, call.json())
        self._world.definitions.add(kind, definition)
        return json_response(definition.body(), 201)

    def batch_create(self, call: Call) -> Response:
        """All or none."""
        kind, started = call.kind(), iso(self._world.now_ms())
        definitions = [self._checked(kind, given) for given in call.inputs(most=MOST_BATCH_INPUTS)]
        for definition in definitions:
            self._world.definitions.add(kind, definition)
        results = [definition.body() for definition in definitions]
        times = {"startedAt": started, "completedAt": iso(self._world.now_ms())}
        return json_response({"status": "COMPLETE", "results": results, **times}, 201)

    def archive(self, call: Call) -> Response:
        definition = self._find(call)
        if definition.hubspot_defined:
            raise errors.invalid(f"Property {definition.name} is defined by HubSpot and cannot be archived.")
        self._world.definitions.remove(call.kind(), definition.name)
        return Response(status_code=204)

    def groups(self, call: Call) -> Response:
        groups = self._world.definitions.groups(call.kind())
        return json_response({"results": [_group(name, label) for name, label in groups.items()]})

    def create_group(self, call: Call) -> Response:
        kind, body = call.kind(), call.json()
        name, label = (_text(body, part) for part in ("name", "label"))
        if name in self._world.definitions.groups(kind):
            raise errors.conflict(f"A property group named '{name}' already exists.")
        self._world.definitions.add_group(kind, name, label)
        return json_response(_group(name, label), 201)

    def _find(self, call: Call) -> Property:
        definition = self._world.definitions.of(call.kind()).get(call.path("name"))
        if definition is None:
            raise errors.not_found()
        return definition

    def _checked(self, kind: ObjectType, body: dict[str, Any]) -> Property:
        """The definition that was sent; 400 for one that cannot be, 409 for one that is there already."""
        name, label, type_, field_type, group = (_text(body, part) for part in REQUIRED)
        if not _NAME.fullmatch(name):
            raise errors.invalid(f"Property name '{name[:100]}' must be lower case letters, digits and underscores.")
        if field_type not in FIELD_TYPES.get(type_, ()):
            raise errors.invalid(f"A property of type '{type_[:50]}' cannot have the field type '{field_type[:50]}'.")
        if group not in self._world.definitions.groups(kind):
            raise errors.invalid(f"Property group '{group[:100]}' does not exist.")
        if name in self._world.definitions.of(kind):
            raise errors.conflict(f"A property named '{name}' already exists.")
        unique = body.get("hasUniqueValue") is True
        options = tuple(
            (_text(one, "value"), _text(one, "label")) for one in objects_of("options", body.get("options"))
        )
        return Property(name, label, type_, field_type, group, options, unique=unique, hubspot_defined=False)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise errors.invalid_json(f"Some required fields were not set: [{name}]")
    return value


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}
