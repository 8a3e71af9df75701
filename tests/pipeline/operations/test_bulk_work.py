"""Each deal of a bulk operation has its outcome, in the transaction of the work; no deal is processed twice."""

import asyncio

import pytest

from core.database import Database
from models import BulkKind, BulkStatus, RunStatus
from models.deal_filter import DealFilter
from pipeline.operations.audited import OperationContext
from pipeline.operations.bulk import start_bulk
from pipeline.operations.bulk_progress import BulkProgress, bulk_progress
from tests.factories import one, queued_deal, rows
from tests.pipeline.operations.bulk_items import ITEMS, KilledError, process_items
from tests.pipeline.operations.states import AUDIT, failed_deal, last_run


async def test_each_deal_has_its_outcome(database: Database, context: OperationContext) -> None:
    """Done, with the run that was created; or refused, with the reason. One audit row for all of them."""
    failed, queued = await failed_deal(database), await queued_deal(database)
    deals = DealFilter(deal_ids=[failed.deal_id, queued])
    bulk_id = (await start_bulk(context, BulkKind.RETRY, deals)).bulk_id
    assert bulk_id is not None
    assert await bulk_progress(database, bulk_id) == BulkProgress(bulk_id, BulkStatus.RUNNING, 2, 0, 0, 2)
    assert await process_items(database) == 2
    run_id = await one(database, "SELECT max(id) FROM pipeline_runs")
    assert await rows(database, ITEMS) == [
        {"deal_id": failed.deal_id, "status": "DONE", "run_id": run_id,
         "detail": f"Run 2 of deal {failed.deal_id} is queued, from associate."},
        {"deal_id": queued, "status": "REFUSED", "run_id": None, "detail": f"Run 1 of deal {queued} is queued."},
    ]  # fmt: skip
    assert await bulk_progress(database, bulk_id) == BulkProgress(bulk_id, BulkStatus.DONE, 2, 1, 1, 0)
    (audit,) = await rows(database, AUDIT)
    assert (audit["action"], audit["arguments"]["deal_ids"]) == ("bulk_retry", [failed.deal_id, queued])
    # New deals must not wait behind thousands of retries.
    assert (await last_run(database, failed.deal_id))["priority"] == 0


async def test_a_bulk_cancel_and_a_bulk_process_now(database: Database, context: OperationContext) -> None:
    """Of each kind."""
    deals = [await queued_deal(database) for _ in range(3)]
    await start_bulk(context, BulkKind.PROCESS_NOW, DealFilter(deal_ids=deals))
    await process_items(database)
    assert {(await last_run(database, deal))["priority"] for deal in deals} == {20}
    await start_bulk(context, BulkKind.CANCEL, DealFilter(statuses=[RunStatus.QUEUED]))
    await process_items(database)
    assert {(await last_run(database, deal))["status"] for deal in deals} == {"CANCELLED"}


async def test_killed_anywhere_it_continues_and_processes_no_deal_twice(
    database: Database, context: OperationContext
) -> None:
    """Killed after each deal; and two processes at once share the deals."""
    deals = [(await failed_deal(database)).deal_id for _ in range(6)]
    await start_bulk(context, BulkKind.RETRY, DealFilter(statuses=[RunStatus.FAILED]))
    for _ in range(3):
        with pytest.raises(KilledError):
            await process_items(database, killed_after=1)
    assert sum(await asyncio.gather(process_items(database), process_items(database))) == 3
    assert [(await last_run(database, deal))["number"] for deal in deals] == [2] * 6
    assert await one(database, "SELECT status FROM bulk_operations") == "DONE"


async def test_a_small_operation_does_not_wait_for_a_large_one(database: Database, context: OperationContext) -> None:
    """The items of both are processed in alternating batches."""
    deals = [await queued_deal(database) for _ in range(60)]
    await start_bulk(context, BulkKind.PROCESS_NOW, DealFilter(deal_ids=deals))
    small = (await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=deals[-1:]))).bulk_id or 0
    with pytest.raises(KilledError):
        await process_items(database, killed_after=52)
    assert (await bulk_progress(database, small)).done == 1


async def test_an_operation_that_fails_stops_no_other(database: Database, context: OperationContext) -> None:
    """By a mistake of ours, here in its arguments; its deals still wait."""
    deals = DealFilter(deal_ids=[await queued_deal(database)])
    wrong = (await start_bulk(context, BulkKind.RETRY, deals)).bulk_id or 0
    await rows(database, """UPDATE bulk_operations SET arguments = '{"unknown": 1}' RETURNING id""")
    right = (await start_bulk(context, BulkKind.CANCEL, deals)).bulk_id or 0
    assert await process_items(database) == 1
    assert (await bulk_progress(database, right)).status is BulkStatus.DONE
    assert await bulk_progress(database, wrong) == BulkProgress(wrong, BulkStatus.RUNNING, 1, 0, 0, 1)
