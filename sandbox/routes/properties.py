"""Property definitions of the account: list, read, create, archive; and the property groups."""

import re
from typing import Any

from starlette.responses import Response

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType
from sandbox.account.properties import FIELD_TYPES, Property
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.parsing import json_objects
from sandbox.http.responses import batch_response, json_response

MOST_BATCH_INPUTS = 100
REQUIRED = ("name", "label", "type", "fieldType", "groupName")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


class PropertyRoutes:
    """A new property takes effect at once for reads, writes and searches."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def list_all(self, call: Call) -> Response:
        listed = (
            () if call.query_flag("archived") else self._account.property_definitions.of(call.object_type()).values()
        )
        return json_response({"results": [definition.body() for definition in listed]})

    def read_one(self, call: Call) -> Response:
        return json_response(self._find(call).body())

    def create(self, call: Call) -> Response:
        object_type = call.object_type()
        definition = self._validated(object_type, call.json())
        self._account.property_definitions.add(object_type, definition)
        return json_response(definition.body(), 201)

    def batch_create(self, call: Call) -> Response:
        """All of them or none."""
        object_type, started_ms = call.object_type(), self._account.now_ms()
        definitions = [self._validated(object_type, given) for given in call.inputs(most=MOST_BATCH_INPUTS)]
        for definition in definitions:
            self._account.property_definitions.add(object_type, definition)
        results = [definition.body() for definition in definitions]
        return batch_response(results, started_ms=started_ms, completed_ms=self._account.now_ms(), status=201)

    def archive(self, call: Call) -> Response:
        definition = self._find(call)
        if definition.hubspot_defined:
            raise errors.invalid(f"Property {definition.name} is defined by HubSpot and cannot be archived.")
        self._account.property_definitions.remove(call.object_type(), definition.name)
        return Response(status_code=204)

    def groups(self, call: Call) -> Response:
        groups = self._account.property_definitions.groups(call.object_type())
        return json_response({"results": [_group(name, label) for name, label in groups.items()]})

    def create_group(self, call: Call) -> Response:
        object_type, body = call.object_type(), call.json()
        name, label = (_required_text(body, part) for part in ("name", "label"))
        if name in self._account.property_definitions.groups(object_type):
            raise errors.conflict(f"A property group named '{name}' already exists.")
        self._account.property_definitions.add_group(object_type, name, label)
        return json_response(_group(name, label), 201)

    def _find(self, call: Call) -> Property:
        definition = self._account.property_definitions.of(call.object_type()).get(call.path("name"))
        if definition is None:
            raise errors.not_found()
        return definition

    def _validated(self, object_type: ObjectType, body: dict[str, Any]) -> Property:
        """The definition in the request; 400 when it is invalid, 409 when the property exists."""
        name, label, type_, field_type, group = (_required_text(body, part) for part in REQUIRED)
        if not _NAME.fullmatch(name):
            raise errors.invalid(f"Property name '{name[:100]}' must be lower case letters, digits and underscores.")
        if field_type not in FIELD_TYPES.get(type_, ()):
            raise errors.invalid(f"A property of type '{type_[:50]}' cannot have the field type '{field_type[:50]}'.")
        if group not in self._account.property_definitions.groups(object_type):
            raise errors.invalid(f"Property group '{group[:100]}' does not exist.")
        if name in self._account.property_definitions.of(object_type):
            raise errors.conflict(f"A property named '{name}' already exists.")
        unique = body.get("hasUniqueValue") is True
        options = tuple(
            (_required_text(one, "value"), _required_text(one, "label"))
            for one in json_objects("options", body.get("options"))
        )
        return Property(name, label, type_, field_type, group, options, unique=unique, hubspot_defined=False)


def _required_text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise errors.missing_field(name)
    return value


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}
