"""An operation decides about the deal's latest run, which is locked until its transaction ends."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.errors import AlreadyRunning, NotFound
from pipeline.operations.latest import lock_latest
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from pipeline.runs.latest import LockedDeal
from pipeline.runs.store import RunStore
from tests.factories import done_deal, insert_deal


async def test_a_deal_without_a_run_has_no_latest_one(database: Database) -> None:
    """It is not refused."""
    lease, without = await done_deal(database), await insert_deal(database)
    async with database.write() as session:
        latest = await lock_latest(session, lease.deal_id)
        assert latest is not None
        assert latest.run_id == lease.run_id
        assert await lock_latest(session, without) is None


@pytest.mark.parametrize(
    "operation", [cancel, undo_cancel, process_now, retry], ids=lambda operation: operation.__name__
)
async def test_an_operation_on_an_unknown_deal_is_refused(
    context: OperationContext, operation: Callable[[OperationContext, int], Awaitable[object]]
) -> None:
    """By each operation on one deal."""
    with pytest.raises(NotFound, match=r"There is no deal 999\."):
        await operation(context, 999)


async def test_a_run_that_was_superseded_during_the_wait_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision would be about a run that is no longer the latest (tests/pipeline/runs/test_latest.py)."""

    async def superseded(_: AsyncSession, __: int) -> LockedDeal:
        return LockedDeal(None, is_superseded=True)

    monkeypatch.setattr(RunStore, "lock_latest", superseded)
    async with database.write() as session:
        with pytest.raises(AlreadyRunning, match="Another run of deal 7 has just begun"):
            await lock_latest(session, 7)
