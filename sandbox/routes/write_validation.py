"""Validates the properties and associations of a write before anything is written."""

from typing import Any

from sandbox.account.account import Account
from sandbox.account.associations import ASSOCIATION_TYPES_BY_ID, AssociationType
from sandbox.account.object_types import TYPES_BY_NAME, ObjectType
from sandbox.account.properties import InvalidValueError, Property, stored_form
from sandbox.http import errors
from sandbox.http.parsing import json_objects, parse_id


def stored_properties(account: Account, object_type: ObjectType, body: dict[str, Any]) -> dict[str, str]:
    """`properties` of a write in stored form, "" to clear one; 400 that lists every value that HubSpot would refuse."""
    given = body.get("properties")
    if not isinstance(given, dict):
        raise errors.missing_field("properties")
    definitions = account.property_definitions.of(object_type)
    stored: dict[str, str] = {}
    problems: list[tuple[str, str, str]] = []
    for name, value in given.items():
        try:
            stored[name] = _stored_value(definitions.get(name), name, value)
        except InvalidValueError as error:
            problems.append((name, error.code, str(error)))
    if problems:
        raise errors.invalid_properties(problems)
    return stored


def new_properties(account: Account, object_type: ObjectType, body: dict[str, Any]) -> dict[str, str]:
    """The properties of a record to create; 400 when a required one is missing."""
    properties = {name: value for name, value in stored_properties(account, object_type, body).items() if value}
    missing = [name for name in object_type.required if name not in properties]
    if missing:
        raise errors.invalid(
            f"Error creating {object_type.singular.upper()}. Some required properties were not set.",
            errors=[
                {"message": f"{name} is required", "code": "REQUIRED_FIELD", "context": {"properties": [name]}}
                for name in missing
            ],
        )
    return properties


def inline_associations(account: Account, object_type: ObjectType, body: dict[str, Any]) -> list[tuple[int, int]]:
    """`associations` of a record to create: pairs of an association type's id and the id of the other record."""
    return [
        pair
        for given in json_objects("associations", body.get("associations"))
        for pair in _inline_association(account, object_type, given)
    ]


def requested_association_types(
    given: dict[str, Any], source: ObjectType, target: ObjectType | None = None
) -> list[AssociationType]:
    """`types` of an association; 400 unless all of them exist between the object types."""
    types = json_objects("types", given.get("types"))
    known = [ASSOCIATION_TYPES_BY_ID.get(parse_id(entry.get("associationTypeId")) or 0) for entry in types]
    fitting = [
        association_type
        for association_type in known
        if association_type is not None
        and association_type.source == source.name
        and (target is None or association_type.target == target.name)
    ]
    if not fitting or len(fitting) < len(types):
        raise errors.invalid("One or more associations are invalid")
    return fitting


def _inline_association(account: Account, object_type: ObjectType, given: dict[str, Any]) -> list[tuple[int, int]]:
    target = given.get("to")
    target_id = parse_id(target.get("id")) if isinstance(target, dict) else None
    types = requested_association_types(given, object_type)
    if target_id is None:
        raise errors.invalid("One or more associations are invalid")
    for association_type in types:
        record = account.table(TYPES_BY_NAME[association_type.target]).get(target_id)
        if record is None or record.archived_ms is not None:
            raise errors.not_found()
    return [(association_type.id, target_id) for association_type in types]


def _stored_value(definition: Property | None, name: str, value: object) -> str:
    if definition is None:
        raise InvalidValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if definition.read_only:
        raise InvalidValueError("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if value is None or value == "":
        return ""
    if not isinstance(value, str | int | float):
        raise errors.invalid_json(f"the value of {name} must be a string")
    return stored_form(definition, str(value).lower() if isinstance(value, bool) else str(value))
