"""Requests to the leading scheduler."""

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.requests import request
from scheduler.requests import is_open
from tests.factories import rows
from tests.pipeline.operations.states import AUDIT


async def test_a_request_is_a_row_for_the_scheduler(database: Database, context: OperationContext) -> None:
    """Which stays open until it is done."""
    await request(context, "sync")
    assert await is_open(database, "sync")
    assert not await is_open(database, "reconcile")
    assert [row["action"] for row in await rows(database, AUDIT)] == ["sync"]
