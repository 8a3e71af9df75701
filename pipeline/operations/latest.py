"""A deal's latest run, locked until the transaction ends, so that what an operation decides about it stays true."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import ACTIVE, RunStatus
from pipeline.operations.errors import AlreadyRunning, NotFound

# The run is locked before the deal, as everywhere: a worker that moves the run does the same.
_RUN = text("""
SELECT r.id, r.number, r.status::text AS status, r.cancel_requested_at,
       r.cancel_requested_at > clock_timestamp() - make_interval(secs => :undo_seconds) AS can_undo
FROM pipeline_runs AS r WHERE r.id = (SELECT d.latest_run_id FROM deals AS d WHERE d.id = :deal_id) FOR NO KEY UPDATE
""")
_DEAL = text("SELECT latest_run_id FROM deals WHERE id = :deal_id FOR NO KEY UPDATE")

# For so long a cancel can be undone.
UNDO_SECONDS = 10


@dataclass(frozen=True, slots=True)
class LatestRun:
    run_id: int
    number: int
    status: RunStatus
    # Whether a cancel was requested, and whether that is recent enough to undo.
    is_cancelled: bool
    can_undo: bool

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


async def lock_latest(session: AsyncSession, deal_id: int) -> LatestRun | None:
    """None when the deal has no run; NotFound; AlreadyRunning when another run began during the wait for the lock."""
    row = (await session.execute(_RUN, {"deal_id": deal_id, "undo_seconds": UNDO_SECONDS})).one_or_none()
    deal = (await session.execute(_DEAL, {"deal_id": deal_id})).one_or_none()
    if deal is None:
        raise NotFound(f"There is no deal {deal_id}.")
    if deal.latest_run_id != (row and row.id):
        raise AlreadyRunning(f"Another run of deal {deal_id} has just begun.")
    if row is None:
        return None
    return LatestRun(
        run_id=row.id,
        number=row.number,
        status=RunStatus(row.status),
        is_cancelled=row.cancel_requested_at is not None,
        can_undo=bool(row.can_undo),
    )
