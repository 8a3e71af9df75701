"""Deals that we have and HubSpot does not list where they should be: archived, restored, merged, or gone for good."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from core.database import Database
from crm.errors import RecordNotFound
from scheduler.records import ReadPage
from scheduler.sync import Sync

_STORED = text("""
SELECT hubspot_deal_id, merged_into IS NOT NULL OR purged_at IS NOT NULL AS is_marked FROM deals
WHERE hubspot_deal_id::bigint >= :first AND hubspot_deal_id::bigint < coalesce(CAST(:end AS bigint), :beyond)
  AND ((archived_at IS NOT NULL) = :archived OR merged_into IS NOT NULL OR purged_at IS NOT NULL)
ORDER BY hubspot_deal_id::bigint
""")
BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Compared:
    """`gone` are stored where HubSpot does not list them, `back` are marked as merged or purged, and listed."""

    gone: list[str]
    back: list[str]


async def compared(
    database: Database, first: int, end: int | None, listed: frozenset[int], *, archived: bool
) -> Compared:
    """The stored deals from `first` to before `end`, live or archived ones, with what HubSpot has listed there."""
    parameters = {"first": first, "end": end, "beyond": BEYOND, "archived": archived}
    rows = await database.run(_STORED, parameters)
    return Compared(
        gone=[row.hubspot_deal_id for row in rows if not row.is_marked and int(row.hubspot_deal_id) not in listed],
        back=[row.hubspot_deal_id for row in rows if row.is_marked and int(row.hubspot_deal_id) in listed],
    )


async def resolve(sync: Sync, ids: Sequence[str]) -> None:
    """Ask for each of them by id, and store what HubSpot says."""
    await sync.keep(await look_up(sync, ids))


async def look_up(sync: Sync, ids: Sequence[str]) -> ReadPage:
    """The deals as they are, wherever they are; merged ones among `successors`, those gone for good in `purged`."""
    crm, asked_at = sync.context.crm, sync.asked_at()
    live = await crm.read_deals(ids)
    archived = await crm.read_archived_deals(live.missing)
    page = await sync.reader.read([*live.records, *archived.records], asked_at)
    for identifier in archived.missing:
        await _place(sync, identifier, page)
    return page


async def _place(sync: Sync, identifier: str, page: ReadPage) -> None:
    """HubSpot answers for a merged deal with the one that it was merged into, wherever that lies."""
    for archived in (False, True):
        try:
            found = await sync.context.crm.get_deal(identifier, archived=archived)
        except RecordNotFound:
            continue
        # Its own id: it is back since the batch was read, and whoever reads next will see it.
        if found.record.id != identifier:
            page.successors[identifier] = found.record.id
        return
    page.purged.append(identifier)
