"""What people have requested of a run that has not ended: a pause of the queue, a cancellation."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from core.database import Database
from models.conditions import PAUSE, is_due, is_open

# The pause is the row by which a claim is refused (pipeline/runs/controls.py), the cancel request the one that the
# run's worker polls.
_CONTROLS = text(f"""
SELECT p.requested_at AS paused_at, p.requested_by AS paused_by,
       CASE WHEN r.status = 'RUNNING' THEN r.cancel_requested_at END AS cancel_requested_at,
       r.next_attempt_at IS NOT NULL AND {is_due()} AS is_due
FROM (SELECT) AS one
LEFT JOIN controls AS p ON p.name = '{PAUSE}' AND {is_open("p")}
LEFT JOIN pipeline_runs AS r ON r.id = :run_id
""")  # noqa: S608 - constants of ours


class RunControls(NamedTuple):
    """`paused_at` is None unless the queue is paused; `is_due`: the time of the run's next attempt has come."""

    paused_at: datetime | None
    paused_by: str | None
    cancel_requested_at: datetime | None
    is_due: bool


async def run_controls(database: Database, run_id: int) -> RunControls:
    rows = await database.run(_CONTROLS, {"run_id": run_id})
    return RunControls._make(rows[0])
