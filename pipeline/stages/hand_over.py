"""Whom a deal should go to: an owner where it has none, and what the next team needs when it is won."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import BaseModel

from crm.catalog import Catalog
from crm.responses import Owner
from pipeline.rulebook import Rulebook
from pipeline.rulebook.words import HandOffItem
from pipeline.stages.associate import AssociateOutput
from pipeline.stages.facts import Facts
from pipeline.stages.fetch import FetchOutput
from pipeline.stages.findings import Issue

EVERY_OTHER = "*"


class Route(BaseModel):
    """A suggestion, and why; nobody is made the owner."""

    owner_id: str
    owner: str
    because: str


class Check(BaseModel):
    item: str
    is_there: bool


async def route(facts: Facts, deal_id: str, catalog: Catalog, rulebook: Rulebook) -> Route | None:
    """For an open deal without an active owner; the same deal always goes to the same one of the same list."""
    if not facts.is_open or facts.has_owner:
        return None
    pipeline = facts.text("pipeline") or EVERY_OTHER
    listed = rulebook.route.get(pipeline, rulebook.route.get(EVERY_OTHER, []))
    there = await _active(listed, catalog)
    if not there:
        return None
    # Not hash(): that differs from process to process.
    chosen = there[zlib.crc32(deal_id.encode()) % len(there)]
    because = f"The deal has no active owner; {len(there)} share those of pipeline {pipeline}."
    return Route(owner_id=chosen.id, owner=chosen.name, because=because)


async def _active(listed: Sequence[str], catalog: Catalog) -> list[Owner]:
    found = [await catalog.owner(identifier) for identifier in listed]
    return [owner for owner in found if owner is not None and not owner.archived]


def checklist(
    facts: Facts, snapshot: FetchOutput, associated: AssociateOutput, items: Sequence[HandOffItem]
) -> list[Check]:
    """Empty unless the deal is won."""
    if not facts.is_won:
        return []
    return [Check(item=item, is_there=HAND_OFF[item](facts, snapshot, associated)) for item in items]


def issues(checks: Sequence[Check]) -> Iterator[Issue]:
    if missing := [check.item.replace("_", " ") for check in checks if not check.is_there]:
        yield Issue("hand_off_incomplete", f"The deal is won; whoever takes it over misses: {', '.join(missing)}.")


HAND_OFF: Mapping[HandOffItem, Callable[[Facts, FetchOutput, AssociateOutput], bool]] = {
    "amount": lambda facts, _, __: facts.number("amount") is not None,
    "close_date": lambda facts, _, __: facts.instant("closedate") is not None,
    "owner": lambda facts, _, __: facts.has_owner,
    "contact": lambda _, __, associated: bool(associated.contact_ids),
    "company": lambda _, __, associated: bool(associated.company_ids),
    "line_items": lambda _, snapshot, __: bool(snapshot.line_items),
    "won_reason": lambda facts, _, __: facts.text("closed_won_reason") is not None,
}
