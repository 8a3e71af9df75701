"""The deal's latest run, locked until the operation's transaction ends."""

from sqlalchemy.ext.asyncio import AsyncSession

from pipeline.operations.errors import AlreadyRunning, NotFound
from pipeline.runs.latest import LatestRun
from pipeline.runs.store import RunStore


async def lock_latest(session: AsyncSession, deal_id: int) -> LatestRun | None:
    """None when the deal has no run. NotFound; AlreadyRunning when another run was started in the meantime."""
    locked = await RunStore.lock_latest(session, deal_id)
    if locked is None:
        raise NotFound(f"There is no deal {deal_id}.")
    if locked.is_superseded:
        raise AlreadyRunning(f"Another run of deal {deal_id} has just begun.")
    return locked.run
