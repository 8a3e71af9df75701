"""What a caller wants to write, checked before anything is written."""

from typing import Any

from sandbox.account.account import World
from sandbox.account.associations import BY_ID, LinkType
from sandbox.account.object_types import BY_NAME, ObjectType
from sandbox.account.properties import InvalidValueError, Property, stored_form
from sandbox.http import errors
from sandbox.http.call import objects_of, record_id


def stored_properties(world: World, kind: ObjectType, body: dict[str, Any]) -> dict[str, str]:
    """`properties` of a write in stored form, "" for what is cleared; 400 that lists all that HubSpot would refuse."""
    given = body.get("properties")
    if not isinstance(given, dict):
        raise errors.invalid_json("Some required fields were not set: [properties]")
    definitions = world.definitions.of(kind)
    stored: dict[str, str] = {}
    problems: list[tuple[str, str, str]] = []
    for name, value in given.items():
        try:
            stored[name] = _stored(definitions.get(name), name, value)
        except InvalidValueError as error:
            problems.append((name, error.code, str(error)))
    if problems:
        raise errors.invalid_properties(problems)
    return stored


def new_properties(world: World, kind: ObjectType, body: dict[str, Any]) -> dict[str, str]:
    """The properties of a record to be created; 400 when a required one is not among them."""
    properties = {name: value for name, value in stored_properties(world, kind, body).items() if value}
    missing = [name for name in kind.required if name not in properties]
    if missing:
        raise errors.invalid(
            f"Error creating {kind.singular.upper()}. Some required properties were not set.",
            errors=[
                {"message": f"{name} is required", "code": "REQUIRED_FIELD", "context": {"properties": [name]}}
                for name in missing
            ],
        )
    return properties


def inline_links(world: World, kind: ObjectType, body: dict[str, Any]) -> list[tuple[LinkType, int]]:
    """`associations` of a record to be created: each type of link with the id of the other record."""
    given = objects_of("associations", body.get("associations"))
    return [link for association in given for link in _inline_link(world, kind, association)]


def _inline_link(world: World, kind: ObjectType, association: dict[str, Any]) -> list[tuple[LinkType, int]]:
    target = association.get("to")
    number = record_id(target.get("id")) if isinstance(target, dict) else None
    types = objects_of("types", association.get("types"))
    links = [BY_ID.get(record_id(entry.get("associationTypeId")) or 0) for entry in types]
    fitting = [link for link in links if link is not None and link.source == kind.name]
    if number is None or not fitting or len(fitting) < len(types):
        raise errors.invalid("One or more associations are invalid")
    for link in fitting:
        _check_exists(world, BY_NAME[link.target], number)
    return [(link, number) for link in fitting]


def _check_exists(world: World, kind: ObjectType, number: int) -> None:
    record = world.table(kind).get(number)
    if record is None or record.archived_ms is not None:
        raise errors.not_found()


def _stored(definition: Property | None, name: str, value: object) -> str:
    if definition is None:
        raise InvalidValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if definition.read_only:
        raise InvalidValueError("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if value is None or value == "":
        return ""
    if not isinstance(value, str | int | float):
        raise errors.invalid_json(f"the value of {name} must be a string")
    return stored_form(definition, str(value).lower() if isinstance(value, bool) else str(value))
