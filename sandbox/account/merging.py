"""Two records become one. Source: HubSpot's announcement "Deals now support merging", and its guide "Object APIs"."""

from sandbox.account.account import World
from sandbox.account.object_types import ObjectType
from sandbox.account.records import Record, iso

MERGED_IDS = "hs_merged_object_ids"
SOURCE = "MERGE_OBJECTS"


def merge(world: World, kind: ObjectType, primary: Record, other: Record) -> Record:
    """The record that both have become: a new one or, where ids are preserved (a beta), the primary one.

    Values of the primary one win; what it lacks comes from the other.
    """
    if world.config.primary_id_preserved:
        return _into_primary(world, kind, primary, other)
    created_ms = min(primary.created_ms, other.created_ms)
    own = {kind.created: iso(created_ms), MERGED_IDS: _identities(primary, other, primary, other)}
    merged = world.insert(
        kind,
        {**other.properties, **primary.properties, **own},
        created_ms=created_ms,
        modified_ms=max(world.now_ms(), primary.modified_ms, other.modified_ms),
        history=primary.history,
    )
    world.retire(kind, primary, merged)
    world.retire(kind, other, merged)
    return merged


def _into_primary(world: World, kind: ObjectType, primary: Record, other: Record) -> Record:
    lacking = {name: value for name, value in other.properties.items() if name not in primary.properties}
    changes = {**lacking, MERGED_IDS: _identities(primary, other, other)}
    merged = world.update(kind, primary, changes, source=SOURCE)
    world.retire(kind, other, merged)
    return merged


def _identities(primary: Record, other: Record, *joining: Record) -> str:
    """Every id that the merged record answers for."""
    former = [known for record in (primary, other) for known in (record.get(MERGED_IDS) or "").split(";") if known]
    return ";".join(dict.fromkeys([*former, *(str(record.id) for record in joining)]))
