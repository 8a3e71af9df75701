"""Cancels a run: at once while it waits, by its worker while it runs."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunStatus
from models.conditions import is_active
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import closed_steps, shown_on_deals

# One UPDATE decides: a run that a worker claims at the same moment is RUNNING by the time the row is checked again.
# Its worker finds the request between its stages and inside them, and ends the run itself.
_CANCEL = text(f"""
WITH requested AS (
    UPDATE pipeline_runs AS r
    SET cancel_requested_at = clock_timestamp(),
        status = CASE WHEN r.status = 'RUNNING' THEN r.status ELSE 'CANCELLED'::run_status END,
        ended_at = CASE WHEN r.status = 'RUNNING' THEN r.ended_at ELSE clock_timestamp() END,
        next_attempt_at = NULL
    WHERE r.id = :run_id AND {is_active()}
    RETURNING r.id, r.deal_id, r.job_id, r.status
), cancelled AS (
    SELECT * FROM requested WHERE status = 'CANCELLED'
), steps_closed AS ({closed_steps("cancelled", status="'CANCELLED'")}
), jobs_dropped AS (
    DELETE FROM procrastinate_jobs AS j USING cancelled AS c WHERE j.id = c.job_id AND j.status = 'todo'
), shown AS ({shown_on_deals("cancelled", "status = 'CANCELLED'")}
)
SELECT status::text FROM requested
""")

_WITHDRAW = text("UPDATE pipeline_runs SET cancel_requested_at = NULL WHERE id = :run_id AND status = 'RUNNING'")


class Cancelling(RunStatements):
    @staticmethod
    async def cancel(session: AsyncSession, run_id: int) -> RunStatus:
        """Cancel an active run: CANCELLED, or RUNNING when its worker is requested to end it. Lock it first."""
        return RunStatus((await session.execute(_CANCEL, {"run_id": run_id})).scalar_one())

    @staticmethod
    async def withdraw(session: AsyncSession, run_id: int) -> None:
        """Withdraw the request to cancel a run that is still RUNNING."""
        await session.execute(_WITHDRAW, {"run_id": run_id})
