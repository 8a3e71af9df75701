"""The progress of a bulk operation, counted from its items."""

from dataclasses import dataclass

from sqlalchemy import text

from core.database import Database
from models import BulkStatus
from pipeline.operations.errors import NotFound

_PROGRESS = text("""
SELECT b.status::text, b.total,
       count(*) FILTER (WHERE i.status = 'DONE') AS done, count(*) FILTER (WHERE i.status = 'REFUSED') AS refused,
       count(*) FILTER (WHERE i.status = 'WAITING') AS waiting
FROM bulk_operations AS b LEFT JOIN bulk_operation_items AS i ON i.bulk_id = b.id
WHERE b.id = :bulk_id GROUP BY b.id
""")
_REFUSALS = text("""
SELECT detail FROM bulk_operation_items WHERE bulk_id = :bulk_id AND status = 'REFUSED' ORDER BY id LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class BulkProgress:
    bulk_id: int
    status: BulkStatus
    total: int
    done: int
    refused: int
    waiting: int

    @property
    def sentence(self) -> str:
        counts = f"{self.done} of {self.total} deals done, {self.refused} refused, {self.waiting} waiting"
        return f"Bulk operation {self.bulk_id} is {self.status.lower()}: {counts}."


async def bulk_progress(database: Database, bulk_id: int) -> BulkProgress:
    """NotFound."""
    rows = await database.run(_PROGRESS, {"bulk_id": bulk_id})
    if not rows:
        raise NotFound(f"There is no bulk operation {bulk_id}.")
    row = rows[0]
    return BulkProgress(bulk_id, BulkStatus(row.status), row.total, row.done, row.refused, row.waiting)


async def refusals(database: Database, bulk_id: int, most: int) -> list[str]:
    """Why its first refused items were refused, one sentence each."""
    return [row.detail for row in await database.run(_REFUSALS, {"bulk_id": bulk_id, "most": most})]
