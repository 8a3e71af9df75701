"""Starts and cancels bulk operations: one operation on many deals, which are chosen when it starts.

The leading scheduler then processes them one by one (bulk_work.py).
"""

import orjson
from sqlalchemy import text

from core.direct import Statement
from core.long_statement import execute_long
from models import BulkKind, BulkStatus
from models.deal_filter import MATCHES, DealFilter
from pipeline.operations.audited import Action, OperationContext, OperationResult, audited
from pipeline.operations.begin import position_of
from pipeline.operations.errors import BulkEnded, NotFound, NothingSelected, TooManyDeals
from pipeline.operations.retry import RetryFrom

# More than an operator can oversee; the items of so many are stored in a few seconds.
MOST_DEALS = 100_000
# To find the deals among a million, and to store the items.
CHOOSING_SECONDS = 120.0

# One statement: the deals that match are counted, and become items unless there are too many.
_CREATE = Statement(f"""
WITH matching AS MATERIALIZED (
    SELECT d.id FROM deals AS d WHERE {MATCHES}
), counted AS (SELECT count(*) AS total FROM matching), bulk AS (
    INSERT INTO bulk_operations (kind, arguments, requested_by, status, total)
    SELECT CAST(:kind AS bulk_kind), CAST(:arguments AS jsonb), :requested_by, 'RUNNING', c.total
    FROM counted AS c WHERE c.total BETWEEN 1 AND CAST(:most AS bigint) RETURNING id
), items AS (
    INSERT INTO bulk_operation_items (bulk_id, deal_id, status)
    SELECT bulk.id, m.id, 'WAITING' FROM bulk, matching AS m ORDER BY m.id
)
SELECT (SELECT id FROM bulk) AS id, c.total,
       (SELECT count(DISTINCT i.id) FROM unnest(CAST(:deal_ids AS bigint[])) AS i (id)
        WHERE NOT EXISTS (SELECT FROM deals AS d WHERE d.id = i.id)) AS unknown
FROM counted AS c
""")  # noqa: S608 - a constant of ours

_LOCK = text("SELECT status::text FROM bulk_operations WHERE id = :bulk_id FOR UPDATE")
_CANCEL = Statement("""
WITH over AS (
    UPDATE bulk_operations SET status = 'CANCELLED', ended_at = clock_timestamp() WHERE id = :bulk_id
), unchanged AS (
    UPDATE bulk_operation_items SET status = 'CANCELLED', ended_at = clock_timestamp()
    WHERE bulk_id = :bulk_id AND status = 'WAITING' RETURNING id
)
SELECT count(*) AS n FROM unchanged
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
        given = {**deals.parameters(), **described, "most": MOST_DEALS}
        row = (await execute_long(operation.session, _CREATE, given, seconds=CHOOSING_SECONDS))[0]
        bulk_id, total, absent = row["id"], row["total"], row["unknown"]
        if not total:
            raise NothingSelected("No deal matches.")
        if total > MOST_DEALS:
            raise TooManyDeals(_too_many(total))
        unknown = f"; {absent} of the ids {'is' if absent == 1 else 'are'} of no deal" if absent else ""
        return operation.done(f"Bulk operation {bulk_id} has begun, with {_deals(total)}{unknown}.", bulk_id=bulk_id)


async def cancel_bulk(context: OperationContext, bulk_id: int) -> OperationResult:
    """Leave the deals that still wait unchanged; NotFound, BulkEnded."""
    async with audited(context, Action("cancel_bulk", f"bulk:{bulk_id}")) as operation:
        row = (await operation.session.execute(_LOCK, {"bulk_id": bulk_id})).one_or_none()
        if row is None:
            raise NotFound(f"There is no bulk operation {bulk_id}.")
        if row.status != BulkStatus.RUNNING:
            raise BulkEnded(f"Bulk operation {bulk_id} is {row.status.lower()}.")
        given = {"bulk_id": bulk_id}
        left = (await execute_long(operation.session, _CANCEL, given, seconds=CHOOSING_SECONDS))[0]["n"]
        unchanged = f"{_deals(left)} {'was' if left == 1 else 'were'} left unchanged"
        return operation.done(f"Bulk operation {bulk_id} is cancelled; {unchanged}.", bulk_id=bulk_id)


def _deals(count: int) -> str:
    return f"{count:,} {'deal' if count == 1 else 'deals'}"


def _too_many(count: int) -> str:
    return (
        f"{_deals(count)} match; a bulk operation takes {MOST_DEALS:,} at most. Narrow it by status, pipeline, stage, "
        "owner, reason, or the time of the last update."
    )
