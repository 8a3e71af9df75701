"""Processes the items of bulk operations as the scheduler does, and stops where a test says."""

from core.database import Database
from pipeline.operations.bulk_work import process_bulk_items
from tests.factories import STAGE_NAMES

ITEMS = "SELECT deal_id, status, detail, run_id FROM bulk_operation_items ORDER BY id"


class KilledError(Exception):
    """The process ends here."""


async def process_items(database: Database, *, killed_after: int | None = None) -> int:
    """How many deals were processed; KilledError after so many."""
    done = 0
    async for _ in process_bulk_items(database, STAGE_NAMES):
        done += 1
        if done == killed_after:
            raise KilledError
    return done
