"""Which record a caller means: by id, by a unique property, by the id that it had before it was merged."""

from typing import Any

from sandbox.account.account import World
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.http import errors
from sandbox.http.call import record_id


def find(world: World, kind: ObjectType, key: str, id_property: object = None, *, archived: bool = False) -> Record:
    """As `lookup`, but also by a former id; 404 when there is none. The routes of one record work so."""
    if id_property in (None, "hs_object_id"):
        number = record_id(key)
        if number is None:
            raise errors.not_an_id(key)
        survivor = world.table(kind).survivor(number)
        record = survivor if survivor and (survivor.archived_ms is not None) == archived else None
    else:
        record = lookup(world, kind, key, id_property, archived=archived)
    if record is None:
        raise errors.not_found()
    return record


def lookup(world: World, kind: ObjectType, key: str, id_property: object, *, archived: bool = False) -> Record | None:
    """By id, or by a property whose values are unique; 400 for any other property."""
    table = world.table(kind)
    if id_property in (None, "", "hs_object_id"):
        number = record_id(key)
        record = None if number is None else table.get(number)
    else:
        name = str(id_property)
        definition = world.definitions.of(kind).get(name)
        if definition is None or not definition.unique:
            raise errors.invalid(f"Property {name[:200]} cannot identify a {kind.singular}: it is not unique.")
        record = next((other for other in table if (other.get(name) or "").lower() == key.lower()), None)
    return record if record and (record.archived_ms is not None) == archived else None


def missing(kind: ObjectType, keys: list[str]) -> dict[str, Any]:
    """The entry of a 207 for all that a batch did not find; recorded text."""
    name = kind.singular.upper()
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {name} objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": keys},
    }
