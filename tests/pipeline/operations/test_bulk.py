"""A bulk operation is started for the deals that match then, and can be cancelled."""

import pytest

from core.database import Database
from models import BulkKind, RunStatus
from models.deal_filter import DealFilter
from pipeline.operations import bulk
from pipeline.operations.audited import OperationContext
from pipeline.operations.bulk import cancel_bulk, start_bulk
from pipeline.operations.errors import BulkEnded, NotFound, NothingSelected, TooManyDeals, UnknownStage
from pipeline.operations.retry import RetryFrom
from tests.factories import insert_full_queue, one, queued_deal, rows
from tests.pipeline.operations.bulk_items import ITEMS, KilledError, process_items
from tests.pipeline.operations.states import failed_deal, last_run

DONE = DealFilter(statuses=[RunStatus.DONE])
FAILED = DealFilter(statuses=[RunStatus.FAILED])


async def test_ids_of_no_deal_are_reported(database: Database, context: OperationContext) -> None:
    """They have no outcome of their own; without any deal there is no operation."""
    deal_id = await queued_deal(database)
    done = await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=[998, deal_id, 999, 999, deal_id]))
    assert done.sentence == "Bulk operation 1 has begun, with 1 deal; 2 of the ids are of no deal."
    done = await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=[deal_id, 998]))
    assert done.sentence == "Bulk operation 2 has begun, with 1 deal; 1 of the ids is of no deal."


async def test_the_deals_are_those_that_match_at_the_start(database: Database, context: OperationContext) -> None:
    """A deal that matches the filter later is not part of the operation."""
    failed = await failed_deal(database)
    await queued_deal(database)
    await start_bulk(context, BulkKind.CANCEL, FAILED)
    await failed_deal(database)
    assert await one(database, "SELECT total FROM bulk_operations") == 1
    assert [item["deal_id"] for item in await rows(database, ITEMS)] == [failed.deal_id]


async def test_what_cannot_begin_is_refused(database: Database, context: OperationContext) -> None:
    """An empty filter would be all deals; an unknown stage, an unknown operation."""
    await failed_deal(database)
    for deals in (DealFilter(), DealFilter(statuses=[RunStatus.DONE]), DealFilter(deal_ids=[999])):
        with pytest.raises(NothingSelected):
            await start_bulk(context, BulkKind.RETRY, deals)
    with pytest.raises(UnknownStage):
        await start_bulk(context, BulkKind.RETRY, FAILED, RetryFrom(stage="polish"))
    with pytest.raises(NotFound):
        await cancel_bulk(context, 999)
    assert await rows(database, ITEMS) == []


async def test_too_many_deals_are_refused(
    database: Database, context: OperationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their number; nothing is stored but the refusal. As many as are allowed begin."""
    monkeypatch.setattr(bulk, "MOST_DEALS", 1_500)
    await insert_full_queue(database, 1_501)
    with pytest.raises(TooManyDeals, match=r"^1,501 deals match; a bulk operation takes 1,500 at most\. Narrow it by"):
        await start_bulk(context, BulkKind.RETRY, DONE)
    assert await one(database, "SELECT count(*) FROM bulk_operations") == 0
    assert await rows(database, ITEMS) == []
    assert await one(database, "SELECT outcome FROM audit_events") == "REFUSED"
    await rows(database, "DELETE FROM deals WHERE id = (SELECT max(id) FROM deals) RETURNING id")
    assert (await start_bulk(context, BulkKind.RETRY, DONE)).sentence.endswith("has begun, with 1,500 deals.")


async def test_a_running_one_is_cancelled(database: Database, context: OperationContext) -> None:
    """The processed deals stay processed, the others are left unchanged."""
    deals = [await queued_deal(database) for _ in range(4)]
    bulk_id = (await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=deals))).bulk_id or 0
    with pytest.raises(KilledError):
        await process_items(database, killed_after=2)
    assert (await cancel_bulk(context, bulk_id)).sentence.endswith("is cancelled; 2 deals were left unchanged.")
    assert await process_items(database) == 0
    assert [(await last_run(database, deal))["status"] for deal in deals] == ["CANCELLED"] * 2 + ["QUEUED"] * 2
    with pytest.raises(BulkEnded):
        await cancel_bulk(context, bulk_id)
