"""The deal's latest run, locked until the transaction ends: what an operation decides about it stays true."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import ACTIVE, RunStatus
from pipeline.runs.base import RunStatements

# How long a cancel can be undone.
UNDO_SECONDS = 10

# The run first, then the deal: the lock order of sql.py.
_RUN = text("""
SELECT r.id, r.number, r.status::text AS status, r.cancel_requested_at IS NOT NULL AS is_cancelled,
       coalesce(r.cancel_requested_at > clock_timestamp() - make_interval(secs => :undo_seconds), false) AS can_undo
FROM pipeline_runs AS r WHERE r.id = (SELECT d.latest_run_id FROM deals AS d WHERE d.id = :deal_id) FOR NO KEY UPDATE
""")
_DEAL = text("SELECT latest_run_id FROM deals WHERE id = :deal_id FOR NO KEY UPDATE")


@dataclass(frozen=True, slots=True)
class LatestRun:
    """`is_cancelled`: its cancellation was requested; `can_undo`: so recently that it can be undone."""

    run_id: int
    number: int
    status: RunStatus
    is_cancelled: bool
    can_undo: bool

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True)
class LockedDeal:
    """`run` is None when the deal has none. `is_superseded`: another run was started while the lock was waited for."""

    run: LatestRun | None
    is_superseded: bool


class Locking(RunStatements):
    @staticmethod
    async def lock_latest(session: AsyncSession, deal_id: int) -> LockedDeal | None:
        """The deal and its latest run, locked; None when there is no such deal."""
        row = (await session.execute(_RUN, {"deal_id": deal_id, "undo_seconds": UNDO_SECONDS})).one_or_none()
        deal = (await session.execute(_DEAL, {"deal_id": deal_id})).one_or_none()
        if deal is None:
            return None
        run = None
        if row is not None:
            run = LatestRun(row.id, row.number, RunStatus(row.status), row.is_cancelled, row.can_undo)
        return LockedDeal(run, is_superseded=deal.latest_run_id != (run and run.run_id))
