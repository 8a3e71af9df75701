"""Stored deals that HubSpot does not list where they should be: archived, restored, merged or purged."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from core.database import Database
from crm.errors import RecordError, RecordNotFound
from scheduler.sync.record_reader import DealPage
from scheduler.sync.running_sync import RunningSync

_STORED = text("""
SELECT hubspot_deal_id, merged_into IS NOT NULL AS is_merged, purged_at IS NOT NULL AS is_purged FROM deals
WHERE hubspot_deal_id::bigint >= :first AND hubspot_deal_id::bigint < coalesce(CAST(:end AS bigint), :beyond)
  AND ((archived_at IS NOT NULL) = :archived OR merged_into IS NOT NULL OR purged_at IS NOT NULL)
ORDER BY hubspot_deal_id::bigint
""")
BEYOND = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RangeDifference:
    """`missing` are stored but not listed, `reappeared` are stored as merged or purged but listed.

    A merged deal reappears only live: HubSpot may list it in the recycle bin, where it is no less merged.
    """

    missing: list[str]
    reappeared: list[str]


async def compare_range(
    database: Database, first: int, end: int | None, listed: frozenset[int], *, archived: bool
) -> RangeDifference:
    """Compare the ids that HubSpot listed from `first` to before `end` with the stored ones, live or archived."""
    parameters = {"first": first, "end": end, "beyond": BEYOND, "archived": archived}
    difference = RangeDifference([], [])
    for row in await database.run(_STORED, parameters):
        is_listed = int(row.hubspot_deal_id) in listed
        if not is_listed and not (row.is_merged or row.is_purged):
            difference.missing.append(row.hubspot_deal_id)
        if is_listed and (row.is_purged or (row.is_merged and not archived)):
            difference.reappeared.append(row.hubspot_deal_id)
    return difference


async def look_up(sync: RunningSync, ids: Sequence[str]) -> DealPage:
    """Read each deal by id, live or archived; merged ones are in `successors`, those that do not exist in `purged`."""
    crm, read_at = sync.context.crm, sync.request_time()
    live = await crm.read_deals(ids)
    archived = await crm.read_archived_deals(live.missing)
    page = await sync.read([*live.records, *archived.records], read_at)
    for identifier in archived.missing:
        await _look_up_one(sync, identifier, page)
    return page


async def _look_up_one(sync: RunningSync, identifier: str, page: DealPage) -> None:
    """For the id of a merged deal, HubSpot answers with the deal that it was merged into, live or archived."""
    for archived in (False, True):
        try:
            found = await sync.context.crm.get_deal(identifier, archived=archived)
        except RecordNotFound:
            continue
        except RecordError:
            # HubSpot has a record, which it sends without an id: the deal is neither merged nor purged.
            return
        # Its own id: the deal was restored after the batch was read, and the next sync reads it.
        if found.record.id != identifier:
            page.successors[identifier] = found.record.id
        return
    page.purged.append(identifier)
