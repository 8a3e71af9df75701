"""Routing: the owner to suggest for an open deal that has no active one."""

import zlib

from pydantic import BaseModel

from crm.catalog import Catalog
from pipeline.rulebook import Rulebook
from pipeline.stages.deal_facts import DealFacts

# The key of the owners for pipelines without a list of their own.
OTHER_PIPELINES = "*"


class Route(BaseModel):
    """A suggestion with its reason; the stage does not change the owner."""

    owner_id: str
    owner: str
    because: str


async def route(facts: DealFacts, deal_id: str, catalog: Catalog, rulebook: Rulebook) -> Route | None:
    """The active owners share the deals; a deal always gets the same owner of the same list."""
    if not facts.is_open or facts.has_owner:
        return None
    pipeline = facts.text("pipeline") or OTHER_PIPELINES
    listed = rulebook.route.get(pipeline, rulebook.route.get(OTHER_PIPELINES, []))
    found = [await catalog.owner(identifier) for identifier in listed]
    owners = [owner for owner in found if owner is not None and not owner.archived]
    if not owners:
        return None
    # Not hash(): its results differ from process to process.
    chosen = owners[zlib.crc32(deal_id.encode()) % len(owners)]
    because = f"The deal has no active owner; {len(owners)} share those of pipeline {pipeline}."
    return Route(owner_id=chosen.id, owner=chosen.name, because=because)
