"""A deal that HubSpot's store has live was not merged, whatever another deal claims."""

from datetime import UTC, datetime

import pytest

from core.database import Database
from crm.client import HubSpot
from scheduler.context import JobContext
from scheduler.sync.merge_claims import drop_false_claims
from scheduler.sync.record_reader import DealPage
from scheduler.sync.sync_jobs import backfill
from tests.completeness.account import Account
from tests.factories import rows


async def claimed(context: JobContext, *ids: str) -> dict[str, str]:
    """What is left of the claim that these deals were merged into deal 1."""
    page = DealPage(datetime.now(UTC), successors=dict.fromkeys(ids, "1"))
    await drop_false_claims(context, page)
    return page.successors


async def test_only_a_deal_that_is_not_live_is_marked_as_merged(small_context: JobContext, small: Account) -> None:
    """Archived, merged or purged ones may have been merged; deals that are not stored cannot be marked."""
    await backfill(small_context)
    live, archived, purged, first, second, *_ = small.ids(archived=False)
    small.mutate(archive=[archived], merge=[[first, second]], purge=[purged])
    claims = (archived, purged, first, second, "77")
    assert await claimed(small_context, live, *claims) == dict.fromkeys(claims, "1")


async def test_a_deal_that_is_marked_already_costs_no_call(
    small_context: JobContext, database: Database, small: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does a page that claims nothing."""
    await backfill(small_context)
    await rows(database, "UPDATE deals SET merged_into = '1' RETURNING id")
    monkeypatch.setattr(HubSpot, "read_deals", None)
    marked = small.ids(archived=False)[:2]
    assert await claimed(small_context, *marked) == dict.fromkeys(marked, "1")
    assert await claimed(small_context) == {}
