"""One thing done to many deals: which ones is settled here, in one transaction; the scheduler does it, deal by deal."""

from collections.abc import Mapping
from functools import partial

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import BulkKind, BulkStatus
from models.deal_filter import SELECTED, Selection
from pipeline.operations.audited import Action, Asking, Done, audited
from pipeline.operations.begin import keys_of
from pipeline.operations.errors import BulkIsOver, NotFound, NothingSelected, UnknownStage
from pipeline.operations.retry import From

_CREATE = text(f"""
WITH bulk AS (
    INSERT INTO bulk_operations (kind, arguments, requested_by, status, total)
    VALUES (CAST(:kind AS bulk_kind), CAST(:arguments AS jsonb), :requested_by, 'RUNNING', 0) RETURNING id
), items AS (
    INSERT INTO bulk_operation_items (bulk_id, deal_id, status)
    SELECT bulk.id, d.id, 'WAITING' FROM bulk, deals AS d WHERE {SELECTED} ORDER BY d.id
    RETURNING id
)
SELECT bulk.id, (SELECT count(*) FROM items) AS total,
       (SELECT count(DISTINCT i.id) FROM unnest(CAST(:deal_ids AS bigint[])) AS i (id)
        WHERE NOT EXISTS (SELECT FROM deals AS d WHERE d.id = i.id)) AS unknown
FROM bulk
""")  # noqa: S608 - the conditions above
_TOTAL = text("UPDATE bulk_operations SET total = :total WHERE id = :bulk_id")

_LOCK = text("SELECT status::text FROM bulk_operations WHERE id = :bulk_id FOR UPDATE")
_CANCEL = text("""
WITH over AS (
    UPDATE bulk_operations SET status = 'CANCELLED', ended_at = clock_timestamp() WHERE id = :bulk_id
)
UPDATE bulk_operation_items SET status = 'CANCELLED', ended_at = clock_timestamp()
WHERE bulk_id = :bulk_id AND status = 'WAITING' RETURNING id
""")


async def start_bulk(asking: Asking, kind: BulkKind, selection: Selection, at: From | None = None) -> Done:
    """Have it done to the deals that the selection finds now; NothingSelected, or UnknownStage (`at`: of a retry)."""
    arguments = {} if at is None else {"stage": at.stage, "whole": at.whole}
    work = partial(_start_in, asking=asking, kind=kind, selection=selection, arguments=arguments)
    action = Action(f"bulk_{kind.lower()}", "deals", {**selection.given(), **arguments})
    return await audited(asking, action, work)


async def _start_in(
    session: AsyncSession, *, asking: Asking, kind: BulkKind, selection: Selection, arguments: Mapping[str, object]
) -> Done:
    keys, stage = keys_of(asking.stages), arguments.get("stage")
    if stage is not None and stage not in keys:
        raise UnknownStage(f"There is no stage {stage}. The stages are {', '.join(keys)}.")
    if selection.is_empty:
        raise NothingSelected("Say which deals: by their ids, or by a filter.")
    described = {"kind": kind, "arguments": orjson.dumps(arguments).decode(), "requested_by": asking.actor}
    row = (await session.execute(_CREATE, {**selection.parameters(), **described})).one()
    if not row.total:
        raise NothingSelected("No deal answers to that.")
    await session.execute(_TOTAL, {"total": row.total, "bulk_id": row.id})
    unknown = f"; {row.unknown} of the ids {'is' if row.unknown == 1 else 'are'} of no deal" if row.unknown else ""
    return Done(f"Bulk operation {row.id} has begun, with {_deals(row.total)}{unknown}.", bulk_id=row.id)


async def cancel_bulk(asking: Asking, bulk_id: int) -> Done:
    """Leave the deals alone that it has not come to; NotFound, BulkIsOver."""
    return await audited(asking, Action("cancel_bulk", f"bulk:{bulk_id}", {}), partial(_cancel_in, bulk_id=bulk_id))


async def _cancel_in(session: AsyncSession, *, bulk_id: int) -> Done:
    row = (await session.execute(_LOCK, {"bulk_id": bulk_id})).one_or_none()
    if row is None:
        raise NotFound(f"There is no bulk operation {bulk_id}.")
    if row.status != BulkStatus.RUNNING:
        raise BulkIsOver(f"Bulk operation {bulk_id} is {row.status.lower()}.")
    left = len((await session.execute(_CANCEL, {"bulk_id": bulk_id})).all())
    were = "was" if left == 1 else "were"
    return Done(f"Bulk operation {bulk_id} is cancelled; {_deals(left)} {were} left alone.", bulk_id=bulk_id)


def _deals(count: int) -> str:
    return f"{count} {'deal' if count == 1 else 'deals'}"
