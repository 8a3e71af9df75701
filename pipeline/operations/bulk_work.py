"""Does what bulk operations ask for, deal by deal: each one's outcome is in the transaction of the work itself.

Killed anywhere it goes on with the next deal that waits; several at once take different deals.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import BulkItemStatus, BulkKind
from pipeline.operations.audited import Asking, Done
from pipeline.operations.cancel import cancel_in
from pipeline.operations.errors import OperationRefused
from pipeline.operations.process_now import process_now_in
from pipeline.operations.retry import From, retry_in
from pipeline.queue import Priority

# Of one operation before the next one has its turn: a small one does not wait for the end of a large one.
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
# An item that another process is at is still WAITING to us: the operation ends with the last of them.
_END = text("""
UPDATE bulk_operations AS b SET status = 'DONE', ended_at = clock_timestamp()
WHERE b.id = :bulk_id AND b.status = 'RUNNING' AND NOT EXISTS (
    SELECT FROM bulk_operation_items AS i WHERE i.bulk_id = b.id AND i.status = 'WAITING')
""")


async def work_on_bulk(database: Database, stages: str, progress: Callable[[], None]) -> int:
    """Until nothing is left to do; how many deals. `progress` is called after each."""
    total = 0
    while done := await _round(database, stages, progress):
        total += done
    return total


async def _round(database: Database, stages: str, progress: Callable[[], None]) -> int:
    done = 0
    for bulk in await database.run(_RUNNING):
        asking = Asking(database=database, actor=bulk.requested_by, stages=stages)
        for _ in range(BATCH):
            if not await _do_next(asking, bulk):
                await database.run(_END, {"bulk_id": bulk.id})
                break
            done += 1
            progress()
    return done


async def _do_next(asking: Asking, bulk: Any) -> bool:
    """One deal, in one transaction; False when none waits any more."""
    async with asking.database.write() as session:
        item = (await session.execute(_NEXT, {"bulk_id": bulk.id})).one_or_none()
        if item is None:
            return False
        try:
            async with session.begin_nested():
                done, status = await _apply(session, asking, bulk, item.deal_id), BulkItemStatus.DONE
        except OperationRefused as refused:
            done, status = Done(str(refused)), BulkItemStatus.REFUSED
        outcome = {"item_id": item.id, "status": status, "detail": done.sentence, "run_id": done.run_id}
        await session.execute(_OUTCOME, outcome)
    return True


async def _apply(session: AsyncSession, asking: Asking, bulk: Any, deal_id: int) -> Done:
    match BulkKind(bulk.kind):
        case BulkKind.CANCEL:
            return await cancel_in(session, deal_id=deal_id)
        case BulkKind.PROCESS_NOW:
            return await process_now_in(session, asking=asking, deal_id=deal_id)
        case BulkKind.RETRY:
            # Thousands at once must not stand before the deals that are new.
            at = From(**bulk.arguments)
            return await retry_in(session, asking=asking, deal_id=deal_id, at=at, priority=Priority.BACKFILL)
