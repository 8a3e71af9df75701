"""Finds the record that a request names: by id, by a unique property, or by the id that it had before a merge."""

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.http import errors
from sandbox.http.parsing import parse_id


def get_record(
    account: Account, object_type: ObjectType, key: str, id_property: object = None, *, archived: bool = False
) -> Record:
    """As `find_record`, but also by a former id; 404 when there is no record. For the routes of one record."""
    if id_property in (None, "hs_object_id"):
        record_id = parse_id(key)
        if record_id is None:
            raise errors.not_an_id(key)
        record = account.table(object_type).survivor(record_id)
        if record is not None and (record.archived_ms is not None) != archived:
            record = None
    else:
        record = find_record(account, object_type, key, id_property, archived=archived)
    if record is None:
        raise errors.not_found()
    return record


def find_record(
    account: Account, object_type: ObjectType, key: str, id_property: object, *, archived: bool = False
) -> Record | None:
    """By id, or by a property with unique values; 400 for any other property."""
    table = account.table(object_type)
    if id_property in (None, "", "hs_object_id"):
        record_id = parse_id(key)
        record = None if record_id is None else table.get(record_id)
    else:
        name = str(id_property)
        definition = account.property_definitions.of(object_type).get(name)
        if definition is None or not definition.unique:
            raise errors.invalid(f"Property {name[:200]} cannot identify a {object_type.singular}: it is not unique.")
        record = next((known for known in table if (known.get(name) or "").lower() == key.lower()), None)
    return record if record and (record.archived_ms is not None) == archived else None
