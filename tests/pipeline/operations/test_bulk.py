"""One operation on many deals: each has its outcome, in the transaction of the work; no deal is processed twice."""

import asyncio

import pytest

from core.database import Database
from models import BulkKind, BulkStatus, RunStatus
from models.deal_filter import DealFilter
from pipeline.operations.audited import OperationContext
from pipeline.operations.bulk import cancel_bulk, start_bulk
from pipeline.operations.bulk_progress import BulkProgress, bulk_progress, refusals
from pipeline.operations.bulk_work import process_bulk_items
from pipeline.operations.errors import BulkEnded, NotFound, NothingSelected, UnknownStage
from pipeline.operations.retry import RetryFrom
from tests.factories import STAGE_NAMES, one, queued_deal, rows
from tests.pipeline.operations.states import AUDIT, failed_deal, last_run

FAILED = DealFilter(statuses=[RunStatus.FAILED])
ITEMS = "SELECT deal_id, status, detail, run_id FROM bulk_operation_items ORDER BY id"


class KilledError(Exception):
    """The process ends here."""


async def work(database: Database, *, killed_after: int | None = None) -> int:
    """How many deals; a kill ends it after so many."""
    done = 0
    async for _ in process_bulk_items(database, STAGE_NAMES):
        done += 1
        if done == killed_after:
            raise KilledError
    return done


async def test_each_deal_has_its_outcome(database: Database, context: OperationContext) -> None:
    """Done, with the run that was created; or refused, with the reason. One audit row for all of them."""
    failed, queued = await failed_deal(database), await queued_deal(database)
    deals = DealFilter(deal_ids=[failed.deal_id, queued])
    bulk_id = (await start_bulk(context, BulkKind.RETRY, deals)).bulk_id
    assert bulk_id is not None
    assert await bulk_progress(database, bulk_id) == BulkProgress(bulk_id, BulkStatus.RUNNING, 2, 0, 0, 2)
    assert await work(database) == 2
    run_id = await one(database, "SELECT max(id) FROM pipeline_runs")
    assert await rows(database, ITEMS) == [
        {"deal_id": failed.deal_id, "status": "DONE", "run_id": run_id,
         "detail": f"Run 2 of deal {failed.deal_id} is queued, from associate."},
        {"deal_id": queued, "status": "REFUSED", "run_id": None, "detail": f"Run 1 of deal {queued} is queued."},
    ]  # fmt: skip
    assert await bulk_progress(database, bulk_id) == BulkProgress(bulk_id, BulkStatus.DONE, 2, 1, 1, 0)
    assert await refusals(database, bulk_id, 5) == [f"Run 1 of deal {queued} is queued."]
    (audit,) = await rows(database, AUDIT)
    assert (audit["action"], audit["arguments"]["deal_ids"]) == ("bulk_retry", [failed.deal_id, queued])
    # New deals must not wait behind thousands of retries.
    assert (await last_run(database, failed.deal_id))["priority"] == 0


async def test_ids_of_no_deal_are_reported(database: Database, context: OperationContext) -> None:
    """They have no outcome of their own; without any deal there is no operation."""
    deal_id = await queued_deal(database)
    done = await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=[998, deal_id, 999, 999, deal_id]))
    assert done.sentence == "Bulk operation 1 has begun, with 1 deal; 2 of the ids are of no deal."
    done = await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=[deal_id, 998]))
    assert done.sentence == "Bulk operation 2 has begun, with 1 deal; 1 of the ids is of no deal."


async def test_a_bulk_cancel_and_a_bulk_process_now(database: Database, context: OperationContext) -> None:
    """Of each kind."""
    deals = [await queued_deal(database) for _ in range(3)]
    await start_bulk(context, BulkKind.PROCESS_NOW, DealFilter(deal_ids=deals))
    await work(database)
    assert {(await last_run(database, deal))["priority"] for deal in deals} == {20}
    await start_bulk(context, BulkKind.CANCEL, DealFilter(statuses=[RunStatus.QUEUED]))
    await work(database)
    assert {(await last_run(database, deal))["status"] for deal in deals} == {"CANCELLED"}


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


async def test_a_running_one_is_cancelled(database: Database, context: OperationContext) -> None:
    """The processed deals stay processed, the others are left unchanged."""
    deals = [await queued_deal(database) for _ in range(4)]
    bulk_id = (await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=deals))).bulk_id or 0
    with pytest.raises(KilledError):
        await work(database, killed_after=2)
    assert (await cancel_bulk(context, bulk_id)).sentence.endswith("is cancelled; 2 deals were left unchanged.")
    assert await work(database) == 0
    assert [(await last_run(database, deal))["status"] for deal in deals] == ["CANCELLED"] * 2 + ["QUEUED"] * 2
    with pytest.raises(BulkEnded):
        await cancel_bulk(context, bulk_id)


async def test_killed_anywhere_it_continues_and_processes_no_deal_twice(
    database: Database, context: OperationContext
) -> None:
    """Killed after each deal; and two processes at once share the deals."""
    deals = [(await failed_deal(database)).deal_id for _ in range(6)]
    await start_bulk(context, BulkKind.RETRY, FAILED)
    for _ in range(3):
        with pytest.raises(KilledError):
            await work(database, killed_after=1)
    assert sum(await asyncio.gather(work(database), work(database))) == 3
    assert [(await last_run(database, deal))["number"] for deal in deals] == [2] * 6
    assert await one(database, "SELECT status FROM bulk_operations") == "DONE"


async def test_a_small_operation_does_not_wait_for_a_large_one(database: Database, context: OperationContext) -> None:
    """The items of both are processed in alternating batches."""
    deals = [await queued_deal(database) for _ in range(60)]
    await start_bulk(context, BulkKind.PROCESS_NOW, DealFilter(deal_ids=deals))
    small = (await start_bulk(context, BulkKind.CANCEL, DealFilter(deal_ids=deals[-1:]))).bulk_id or 0
    with pytest.raises(KilledError):
        await work(database, killed_after=52)
    assert (await bulk_progress(database, small)).done == 1
