"""Associations between records, stored in both directions as in HubSpot.

Type ids: developers.hubspot.com, guide "Associations v4", section "Association type id values".
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One direction of an association. A record has at most one association of each `primary` type."""

    id: int
    source: str
    target: str
    inverse: int
    name: str
    label: str | None = None
    primary: bool = False

    def body(self) -> dict[str, Any]:
        return {"category": "HUBSPOT_DEFINED", "typeId": self.id, "label": self.label}


ASSOCIATION_TYPES = (
    AssociationType(3, "deals", "contacts", 4, "deal_to_contact"),
    AssociationType(4, "contacts", "deals", 3, "contact_to_deal"),
    AssociationType(5, "deals", "companies", 6, "deal_to_company", "Primary", primary=True),
    AssociationType(6, "companies", "deals", 5, "company_to_deal", "Primary"),
    AssociationType(341, "deals", "companies", 342, "deal_to_company_unlabeled"),
    AssociationType(342, "companies", "deals", 341, "company_to_deal_unlabeled"),
    AssociationType(19, "deals", "line_items", 20, "deal_to_line_item"),
    AssociationType(20, "line_items", "deals", 19, "line_item_to_deal"),
    AssociationType(213, "deals", "notes", 214, "deal_to_note"),
    AssociationType(214, "notes", "deals", 213, "note_to_deal"),
    AssociationType(215, "deals", "tasks", 216, "deal_to_task"),
    AssociationType(216, "tasks", "deals", 215, "task_to_deal"),
    AssociationType(1, "contacts", "companies", 2, "contact_to_company", "Primary", primary=True),
    AssociationType(2, "companies", "contacts", 1, "company_to_contact", "Primary"),
    AssociationType(279, "contacts", "companies", 280, "contact_to_company_unlabeled"),
    AssociationType(280, "companies", "contacts", 279, "company_to_contact_unlabeled"),
    AssociationType(189, "companies", "notes", 190, "company_to_note"),
    AssociationType(190, "notes", "companies", 189, "note_to_company"),
    AssociationType(191, "companies", "tasks", 192, "company_to_task"),
    AssociationType(192, "tasks", "companies", 191, "task_to_company"),
    AssociationType(201, "contacts", "notes", 202, "contact_to_note"),
    AssociationType(202, "notes", "contacts", 201, "note_to_contact"),
    AssociationType(203, "contacts", "tasks", 204, "contact_to_task"),
    AssociationType(204, "tasks", "contacts", 203, "task_to_contact"),
)
ASSOCIATION_TYPES_BY_ID = {known.id: known for known in ASSOCIATION_TYPES}
# A primary association implies the unlabelled one (the company appears twice).
_UNLABELLED = {5: 341, 1: 279}


def unlabelled_type(source: str, target: str) -> AssociationType | None:
    """The unlabelled association of two object types; None where HubSpot, or the sandbox, has none."""
    return next(
        (known for known in ASSOCIATION_TYPES if (known.source, known.target, known.label) == (source, target, None)),
        None,
    )


# The ids of associated records, each with the ids of the association types, ascending.
Associated = Mapping[int, tuple[int, ...]]
_NONE: Associated = {}


class Associations:
    """For each ordered pair of object types: record id -> associated records."""

    def __init__(self) -> None:
        self._targets: dict[tuple[str, str], dict[int, dict[int, tuple[int, ...]]]] = defaultdict(dict)

    def of(self, source: str, record_id: int, target: str) -> Associated:
        """The records of type `target` that a record is associated with."""
        return self._targets[source, target].get(record_id, _NONE)

    def add(self, type_id: int, source_id: int, target_id: int) -> None:
        """Associate two records, in both directions. A new primary association replaces the former one."""
        association_type = ASSOCIATION_TYPES_BY_ID[type_id]
        if association_type.primary:
            self._remove_primary(association_type, source_id)
            self.add(_UNLABELLED[type_id], source_id, target_id)
        self._add_both_directions(association_type, source_id, target_id)

    def primary(self, source: str, record_id: int, target: str) -> int | None:
        """The id of the primary associated record, for pairs of object types that have one."""
        for other, type_ids in self.of(source, record_id, target).items():
            if any(ASSOCIATION_TYPES_BY_ID[type_id].primary for type_id in type_ids):
                return other
        return None

    def remove(self, source: str, record_id: int, target: str, other_id: int) -> None:
        """Remove every association between two records, in both directions."""
        self._targets[source, target].get(record_id, {}).pop(other_id, None)
        self._targets[target, source].get(other_id, {}).pop(record_id, None)

    def move(self, name: str, former_id: int, new_id: int) -> None:
        """Move all associations to another record of the same type, which keeps its own primary association."""
        for target, type_ids in self.remove_all(name, former_id):
            for type_id in type_ids:
                association_type = ASSOCIATION_TYPES_BY_ID[type_id]
                if not association_type.primary or self.primary(name, new_id, association_type.target) is None:
                    self._add_both_directions(association_type, new_id, target)

    def remove_all(self, name: str, record_id: int) -> list[tuple[int, tuple[int, ...]]]:
        """Remove every association of a record, in both directions; returns the other ids with the types."""
        removed: list[tuple[int, tuple[int, ...]]] = []
        for source, target in list(self._targets):
            if source == name:
                associated = self._targets[source, target].pop(record_id, {})
                removed += associated.items()
                for other in associated:
                    self._targets[target, source][other].pop(record_id, None)
        return removed

    def _add_both_directions(self, association_type: AssociationType, source_id: int, target_id: int) -> None:
        for added, one_id, other_id in _directions(association_type, source_id, target_id):
            targets = self._targets[added.source, added.target].setdefault(one_id, {})
            targets[other_id] = tuple(sorted({*targets.get(other_id, ()), added.id}))

    def _remove_primary(self, association_type: AssociationType, source_id: int) -> None:
        former_id = self.primary(association_type.source, source_id, association_type.target)
        if former_id is None:
            return
        for removed, one_id, other_id in _directions(association_type, source_id, former_id):
            targets = self._targets[removed.source, removed.target][one_id]
            targets[other_id] = tuple(type_id for type_id in targets[other_id] if type_id != removed.id)


def _directions(
    association_type: AssociationType, source_id: int, target_id: int
) -> tuple[tuple[AssociationType, int, int], ...]:
    """One association as each of its two records has it: the type, the record's id, the other record's id."""
    inverse = ASSOCIATION_TYPES_BY_ID[association_type.inverse]
    return (association_type, source_id, target_id), (inverse, target_id, source_id)
