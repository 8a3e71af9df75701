"""Associations between records, kept in both directions as HubSpot keeps them.

Type ids: developers.hubspot.com, guide "Associations v4", section "Association type id values".
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LinkType:
    """One direction of one kind of association. `primary` is at most one a record."""

    id: int
    source: str
    target: str
    inverse: int
    name: str
    label: str | None = None
    primary: bool = False

    def body(self) -> dict[str, Any]:
        return {"category": "HUBSPOT_DEFINED", "typeId": self.id, "label": self.label}


LINK_TYPES = (
    LinkType(3, "deals", "contacts", 4, "deal_to_contact"),
    LinkType(4, "contacts", "deals", 3, "contact_to_deal"),
    LinkType(5, "deals", "companies", 6, "deal_to_company", "Primary", primary=True),
    LinkType(6, "companies", "deals", 5, "company_to_deal", "Primary"),
    LinkType(341, "deals", "companies", 342, "deal_to_company_unlabeled"),
    LinkType(342, "companies", "deals", 341, "company_to_deal_unlabeled"),
    LinkType(19, "deals", "line_items", 20, "deal_to_line_item"),
    LinkType(20, "line_items", "deals", 19, "line_item_to_deal"),
    LinkType(213, "deals", "notes", 214, "deal_to_note"),
    LinkType(214, "notes", "deals", 213, "note_to_deal"),
    LinkType(215, "deals", "tasks", 216, "deal_to_task"),
    LinkType(216, "tasks", "deals", 215, "task_to_deal"),
    LinkType(1, "contacts", "companies", 2, "contact_to_company", "Primary", primary=True),
    LinkType(2, "companies", "contacts", 1, "company_to_contact", "Primary"),
    LinkType(279, "contacts", "companies", 280, "contact_to_company_unlabeled"),
    LinkType(280, "companies", "contacts", 279, "company_to_contact_unlabeled"),
    LinkType(189, "companies", "notes", 190, "company_to_note"),
    LinkType(190, "notes", "companies", 189, "note_to_company"),
    LinkType(191, "companies", "tasks", 192, "company_to_task"),
    LinkType(192, "tasks", "companies", 191, "task_to_company"),
    LinkType(201, "contacts", "notes", 202, "contact_to_note"),
    LinkType(202, "notes", "contacts", 201, "note_to_contact"),
    LinkType(203, "contacts", "tasks", 204, "contact_to_task"),
    LinkType(204, "tasks", "contacts", 203, "task_to_contact"),
)
BY_ID = {link.id: link for link in LINK_TYPES}
# A primary association implies the plain one (the company appears twice).
_PLAIN = {5: 341, 1: 279}


def plain_link(source: str, target: str) -> LinkType | None:
    """The unlabelled association of two types; None where HubSpot knows none, or the sandbox does not."""
    return next((link for link in LINK_TYPES if (link.source, link.target, link.label) == (source, target, None)), None)


Targets = Mapping[int, tuple[int, ...]]
_NONE: Targets = {}


class Links:
    """For each ordered pair of types: id -> {id of the other: type ids, ascending}."""

    def __init__(self) -> None:
        self._targets: dict[tuple[str, str], dict[int, dict[int, tuple[int, ...]]]] = defaultdict(dict)

    def of(self, source: str, record_id: int, target: str) -> Targets:
        """What a record is associated with, by id of the other one."""
        return self._targets[source, target].get(record_id, _NONE)

    def add(self, type_id: int, source_id: int, target_id: int) -> None:
        """Associate two records, in both directions. A second primary one takes over from the first."""
        link = BY_ID[type_id]
        if link.primary:
            self._demote(link, source_id)
            self.add(_PLAIN[type_id], source_id, target_id)
        self._set(link, source_id, target_id)
        self._set(BY_ID[link.inverse], target_id, source_id)

    def primary(self, source: str, record_id: int, target: str) -> int | None:
        """The id of the primary one, for pairs of types that have one."""
        for other, type_ids in self.of(source, record_id, target).items():
            if any(BY_ID[type_id].primary for type_id in type_ids):
                return other
        return None

    def remove(self, source: str, record_id: int, target: str, other_id: int) -> None:
        """Every association between two records, in both directions."""
        self._targets[source, target].get(record_id, {}).pop(other_id, None)
        self._targets[target, source].get(other_id, {}).pop(record_id, None)

    def move(self, name: str, former_id: int, heir_id: int) -> None:
        """Hand over what a record of that type is associated with. The heir keeps its own primary one."""
        for target, type_ids in self._forget(name, former_id):
            for type_id in type_ids:
                link = BY_ID[type_id]
                if not link.primary or self.primary(name, heir_id, link.target) is None:
                    self._set(link, heir_id, target)
                    self._set(BY_ID[link.inverse], target, heir_id)

    def drop(self, name: str, record_id: int) -> None:
        """A record of that type is gone, and its associations with it."""
        self._forget(name, record_id)

    def _forget(self, name: str, record_id: int) -> list[tuple[int, tuple[int, ...]]]:
        """Remove every association of a record, in both directions; what they were, with the ids of the others."""
        forgotten: list[tuple[int, tuple[int, ...]]] = []
        for source, target in list(self._targets):
            if source == name:
                linked = self._targets[source, target].pop(record_id, {})
                forgotten += linked.items()
                for other in linked:
                    self._targets[target, source][other].pop(record_id, None)
        return forgotten

    def _set(self, link: LinkType, source_id: int, target_id: int) -> None:
        targets = self._targets[link.source, link.target].setdefault(source_id, {})
        targets[target_id] = tuple(sorted({*targets.get(target_id, ()), link.id}))

    def _demote(self, link: LinkType, source_id: int) -> None:
        former = self.primary(link.source, source_id, link.target)
        if former is not None:
            self._drop(link, source_id, former)
            self._drop(BY_ID[link.inverse], former, source_id)

    def _drop(self, link: LinkType, source_id: int, target_id: int) -> None:
        targets = self._targets[link.source, link.target][source_id]
        targets[target_id] = tuple(type_id for type_id in targets[target_id] if type_id != link.id)
