"""Merging two records. Source: HubSpot's announcement "Deals now support merging", and its guide "Object APIs"."""

from sandbox.account.account import Account
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record
from sandbox.account.timestamps import iso

MERGED_IDS = "hs_merged_object_ids"
SOURCE = "MERGE_OBJECTS"


def merge(account: Account, object_type: ObjectType, primary: Record, other: Record) -> Record:
    """The merged record: a new one or, where ids are preserved (a beta), the primary one.

    The primary record's values win; the other record provides the properties that the primary lacks.
    """
    if account.config.primary_id_preserved:
        return _into_primary(account, object_type, primary, other)
    created_ms = min(primary.created_ms, other.created_ms)
    own = {object_type.created: iso(created_ms), MERGED_IDS: _former_ids(primary, other, primary, other)}
    merged = account.insert(
        object_type,
        {**other.properties, **primary.properties, **own},
        created_ms=created_ms,
        modified_ms=max(account.now_ms(), primary.modified_ms, other.modified_ms),
        history=primary.history,
    )
    account.merge_into(object_type, primary, merged)
    account.merge_into(object_type, other, merged)
    return merged


def _into_primary(account: Account, object_type: ObjectType, primary: Record, other: Record) -> Record:
    lacking = {name: value for name, value in other.properties.items() if name not in primary.properties}
    changes = {**lacking, MERGED_IDS: _former_ids(primary, other, other)}
    merged = account.update(object_type, primary, changes, source=SOURCE)
    account.merge_into(object_type, other, merged)
    return merged


def _former_ids(primary: Record, other: Record, *merged: Record) -> str:
    """Every former id of the merged record: those of earlier merges and those of `merged`."""
    former = [known for record in (primary, other) for known in (record.get(MERGED_IDS) or "").split(";") if known]
    return ";".join(dict.fromkeys([*former, *(str(record.id) for record in merged)]))
