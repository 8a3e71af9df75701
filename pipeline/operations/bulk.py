"""Starts and cancels bulk operations: one operation on many deals, which are chosen when it starts.

The leading scheduler then processes them one by one (bulk_work.py).
"""

import orjson
from sqlalchemy import text

from models import BulkKind, BulkStatus
from models.deal_filter import MATCHES, DealFilter
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import position_of
from pipeline.operations.errors import BulkEnded, NotFound, NothingSelected
from pipeline.operations.retry import RetryFrom

_CREATE = text(f"""
WITH bulk AS (
    INSERT INTO bulk_operations (kind, arguments, requested_by, status, total)
    VALUES (CAST(:kind AS bulk_kind), CAST(:arguments AS jsonb), :requested_by, 'RUNNING', 0) RETURNING id
), items AS (
    INSERT INTO bulk_operation_items (bulk_id, deal_id, status)
    SELECT bulk.id, d.id, 'WAITING' FROM bulk, deals AS d WHERE {MATCHES} ORDER BY d.id
    RETURNING id
)
SELECT bulk.id, (SELECT count(*) FROM items) AS total,
       (SELECT count(DISTINCT i.id) FROM unnest(CAST(:deal_ids AS bigint[])) AS i (id)
        WHERE NOT EXISTS (SELECT FROM deals AS d WHERE d.id = i.id)) AS unknown
FROM bulk
""")  # noqa: S608 - a constant of ours
_TOTAL = text("UPDATE bulk_operations SET total = :total WHERE id = :bulk_id")

_LOCK = text("SELECT status::text FROM bulk_operations WHERE id = :bulk_id FOR UPDATE")
_CANCEL = text("""
WITH over AS (
    UPDATE bulk_operations SET status = 'CANCELLED', ended_at = clock_timestamp() WHERE id = :bulk_id
)
UPDATE bulk_operation_items SET status = 'CANCELLED', ended_at = clock_timestamp()
WHERE bulk_id = :bulk_id AND status = 'WAITING' RETURNING id
""")


async def start_bulk(
    context: OperationContext, kind: BulkKind, deals: DealFilter, at: RetryFrom | None = None
) -> OperationResult:
    """For the deals that match now; `at` is for a retry. NothingSelected, UnknownStage."""
    arguments = {} if at is None else {"stage": at.stage, "whole": at.whole}
    async with audited(context, Action(f"bulk_{kind.lower()}", "deals", {**deals.given(), **arguments})) as operation:
        if at is not None and at.stage is not None:
            position_of(at.stage, context.stages)
        if deals.is_empty:
            raise NothingSelected("Name the deals by id, or choose them by a filter.")
        described = {"kind": kind, "arguments": orjson.dumps(arguments).decode(), "requested_by": context.actor}
        row = (await operation.session.execute(_CREATE, {**deals.parameters(), **described})).one()
        if not row.total:
            raise NothingSelected("No deal matches.")
        await operation.session.execute(_TOTAL, {"total": row.total, "bulk_id": row.id})
        verb = "is" if row.unknown == 1 else "are"
        unknown = f"; {row.unknown} of the ids {verb} of no deal" if row.unknown else ""
        return operation.done(f"Bulk operation {row.id} has begun, with {_deals(row.total)}{unknown}.", bulk_id=row.id)


async def cancel_bulk(context: OperationContext, bulk_id: int) -> OperationResult:
    """Leave the deals that still wait unchanged; NotFound, BulkEnded."""
    async with audited(context, Action("cancel_bulk", f"bulk:{bulk_id}")) as operation:
        row = (await operation.session.execute(_LOCK, {"bulk_id": bulk_id})).one_or_none()
        if row is None:
            raise NotFound(f"There is no bulk operation {bulk_id}.")
        if row.status != BulkStatus.RUNNING:
            raise BulkEnded(f"Bulk operation {bulk_id} is {row.status.lower()}.")
        left = len((await operation.session.execute(_CANCEL, {"bulk_id": bulk_id})).all())
        unchanged = f"{_deals(left)} {'was' if left == 1 else 'were'} left unchanged"
        return operation.done(f"Bulk operation {bulk_id} is cancelled; {unchanged}.", bulk_id=bulk_id)


def _deals(count: int) -> str:
    return f"{count} {'deal' if count == 1 else 'deals'}"
