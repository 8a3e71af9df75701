"""Processes the items of bulk operations: one deal a transaction, which holds the item's outcome as well.

Killed anywhere, it continues with the next waiting item; several processes at once take different items.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from models import BulkItemStatus, BulkKind
from models.stages import StageNames
from pipeline.operations.audited import OperationContext, OperationResult
from pipeline.operations.cancel import cancel
from pipeline.operations.errors import OperationRefused
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import RetryFrom, retry
from pipeline.queue import Priority

log = structlog.get_logger()

# Items of one operation before those of the next: a small operation does not wait for the end of a large one.
BATCH = 50

_RUNNING = text(
    "SELECT id, kind::text, arguments, requested_by FROM bulk_operations WHERE status = 'RUNNING' ORDER BY id"
)
_NEXT = text("""
SELECT id, deal_id FROM bulk_operation_items WHERE bulk_id = :bulk_id AND status = 'WAITING'
ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_OUTCOME = text("""
UPDATE bulk_operation_items
SET status = CAST(:status AS bulk_item_status), detail = :detail, run_id = :run_id, ended_at = clock_timestamp()
WHERE id = :item_id
""")
# An item that another process has locked still reads as WAITING: that process ends the operation with its last item.
_END = text("""
UPDATE bulk_operations AS b SET status = 'DONE', ended_at = clock_timestamp()
WHERE b.id = :bulk_id AND b.status = 'RUNNING' AND NOT EXISTS (
    SELECT FROM bulk_operation_items AS i WHERE i.bulk_id = b.id AND i.status = 'WAITING')
""")


async def process_bulk_items(database: Database, stages: StageNames) -> AsyncIterator[int]:
    """The id of each deal after its transaction, until no item waits.

    An operation that fails by a mistake of ours is left for the next call, and stops no other.
    """
    failed: set[int] = set()
    is_left = True
    while is_left:
        is_left = False
        for bulk in await database.run(_RUNNING):
            if bulk.id in failed:
                continue
            try:
                async for deal_id in _process_batch(database, stages, bulk):
                    is_left = True
                    yield deal_id
            except DatabaseUnavailable:
                raise
            except Exception:
                failed.add(bulk.id)
                log.exception("bulk.failed", bulk_id=bulk.id)


async def _process_batch(database: Database, stages: StageNames, bulk: Any) -> AsyncIterator[int]:
    """The id of each deal of the next batch; ends the operation when no item waits."""
    context = OperationContext(database=database, actor=bulk.requested_by, stages=stages)
    for _ in range(BATCH):
        deal_id = await _process_next(context, bulk)
        if deal_id is None:
            await database.run(_END, {"bulk_id": bulk.id})
            return
        yield deal_id


async def _process_next(context: OperationContext, bulk: Any) -> int | None:
    """The deal, processed in one transaction; None when no item waits."""
    async with context.database.write() as session:
        item = (await session.execute(_NEXT, {"bulk_id": bulk.id})).one_or_none()
        if item is None:
            return None
        try:
            result = await _apply(replace(context, item_session=session), bulk, item.deal_id)
            status = BulkItemStatus.DONE
        except OperationRefused as refused:
            result, status = OperationResult(str(refused)), BulkItemStatus.REFUSED
        outcome = {"item_id": item.id, "status": status, "detail": result.sentence, "run_id": result.run_id}
        await session.execute(_OUTCOME, outcome)
        return int(item.deal_id)


async def _apply(context: OperationContext, bulk: Any, deal_id: int) -> OperationResult:
    match BulkKind(bulk.kind):
        case BulkKind.CANCEL:
            return await cancel(context, deal_id)
        case BulkKind.PROCESS_NOW:
            return await process_now(context, deal_id)
        case BulkKind.RETRY:
            # With the priority of backfilled runs: new deals must not wait behind thousands of retries.
            return await retry(context, deal_id, RetryFrom(**bulk.arguments), Priority.BACKFILL)
