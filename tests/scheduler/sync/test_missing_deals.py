"""Stored deals that HubSpot does not list are looked up by id, one way or the other."""

from datetime import datetime

from core.database import Database
from models import SyncKind
from scheduler.context import JobContext
from scheduler.sync.missing_deals import compare_range, look_up
from scheduler.sync.record_reader import DealPage
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.sync_lifecycle import run_sync
from tests.completeness.account import Account
from tests.factories import deal_row, rows, store


async def looked_up(context: JobContext, ids: list[str]) -> DealPage:
    """What a sync learns about these deals."""
    pages: list[DealPage] = []

    async def body(sync: RunningSync) -> datetime | None:
        pages.append(await look_up(sync, ids))
        return None

    await run_sync(context, SyncKind.RECONCILE, body)
    return pages[0]


async def test_each_deal_is_found_wherever_it_is(small_context: JobContext, small: Account) -> None:
    """Live, archived, merged into another one, or purged."""
    live, archived, purged, *rest = small.ids(archived=False)
    small.mutate(archive=[archived], purge=[purged])
    ((pair, heir),) = [(merged["from"], merged["into"]) for merged in small.mutate(merge=1)["merged"]]
    live = next(identifier for identifier in (live, *rest) if identifier not in pair)
    merged = next(identifier for identifier in pair if identifier != heir)
    page = await looked_up(small_context, [live, archived, purged, merged])
    assert {deal.hubspot_deal_id: deal.archived_at is not None for deal in page.deals} == {live: False, archived: True}
    assert page.purged == [purged]
    assert page.successors[merged] == heir


async def test_a_range_is_compared_with_what_is_stored(database: Database) -> None:
    """Only deals within it; one that is stored as merged or purged has reappeared if HubSpot lists it."""
    await store(database, *(deal_row(str(number)) for number in (10, 20, 30, 40)))
    await rows(database, "UPDATE deals SET purged_at = now() WHERE hubspot_deal_id = '20' RETURNING 1")
    found = await compare_range(database, 5, 40, frozenset({10, 20}), archived=False)
    assert (found.missing, found.reappeared) == (["30"], ["20"])
    found = await compare_range(database, 5, None, frozenset({10}), archived=False)
    assert (found.missing, found.reappeared) == (["30", "40"], [])
