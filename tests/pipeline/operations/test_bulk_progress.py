"""The progress of a bulk operation is counted from its items."""

import pytest

from core.database import Database
from models import BulkKind, BulkStatus
from models.deal_filter import DealFilter
from pipeline.operations.audited import OperationContext
from pipeline.operations.bulk import start_bulk
from pipeline.operations.bulk_progress import BulkProgress, bulk_progress, refusals
from pipeline.operations.errors import NotFound
from tests.factories import done_deal, queued_deal
from tests.pipeline.operations.bulk_items import KilledError, process_items


async def test_each_processed_item_is_counted(database: Database, context: OperationContext) -> None:
    """Done and refused ones apart; the operation is DONE with its last item."""
    deals = [await queued_deal(database), (await done_deal(database)).deal_id, await queued_deal(database)]
    bulk_id = (await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=deals))).bulk_id or 0
    with pytest.raises(KilledError):
        await process_items(database, killed_after=2)
    progress = await bulk_progress(database, bulk_id)
    assert progress == BulkProgress(bulk_id, BulkStatus.RUNNING, total=3, done=1, refused=1, waiting=1)
    assert progress.sentence == (f"Bulk operation {bulk_id} is running: 1 of 3 deals done, 1 refused, 1 waiting.")
    await process_items(database)
    assert (await bulk_progress(database, bulk_id)).sentence == (
        f"Bulk operation {bulk_id} is done: 2 of 3 deals done, 1 refused, 0 waiting."
    )


async def test_the_first_refusals_are_sentences(database: Database, context: OperationContext) -> None:
    """In the order of the items, at most as many as the caller wants."""
    deals = [await queued_deal(database) for _ in range(3)]
    bulk_id = (await start_bulk(context, BulkKind.RETRY, DealFilter(deal_ids=deals))).bulk_id or 0
    await process_items(database)
    sentences = [f"Run 1 of deal {deal} is queued." for deal in deals]
    assert await refusals(database, bulk_id, 2) == sentences[:2]
    assert await refusals(database, bulk_id, 5) == sentences


async def test_an_unknown_operation_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="There is no bulk operation 999"):
        await bulk_progress(database, 999)
