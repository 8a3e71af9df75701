"""Runs of deals that have not changed: a date that a rule looks at has passed, or a week since the last check."""

from datetime import datetime

from sqlalchemy import text

from models.conditions import RECHECK_AFTER, is_active, is_queued, is_recheckable
from models.stages import StageNames, dump_stages
from pipeline.queue import DEFERRED_JOBS, Priority, wake
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import queued_runs

# So many runs of rechecks wait at a time, however many are due: enough for `fetch` to read them in full batches.
MOST_WAITING = 100

# The next check is set at once, for the run may fail or be cancelled; the run itself sets it to the right date.
# Deals that another transaction has locked are left to the next call: waiting for them could deadlock.
_START = text(f"""
WITH waiting AS (
    SELECT count(*) AS n FROM pipeline_runs AS r WHERE {is_queued()} AND r.priority = {int(Priority.RECHECK)}
), due AS (
    SELECT d.id AS deal_id
    FROM deals AS d
    WHERE d.recheck_at <= CAST(:now AS timestamptz) AND {is_recheckable("d")} AND d.rerun_wanted_at IS NULL
      AND NOT EXISTS (SELECT FROM pipeline_runs AS r WHERE r.deal_id = d.id AND {is_active()})
      AND NOT EXISTS (SELECT FROM pipeline_runs AS r WHERE r.id = d.latest_run_id AND r.reason = 'CRASHED')
    ORDER BY d.recheck_at LIMIT greatest(CAST(:most AS bigint) - (SELECT n FROM waiting), 0) FOR UPDATE SKIP LOCKED
), wanted AS (
    SELECT d.deal_id, nextval(pg_get_serial_sequence('pipeline_runs', 'id')) AS run_id,
           {int(Priority.RECHECK)} AS priority, NULL::timestamptz AS next_attempt_at,
           row_number() OVER (ORDER BY d.deal_id) AS n
    FROM due AS d
), jobs AS ({DEFERRED_JOBS}), {
    queued_runs(
        "wanted",
        trigger="RECHECK",
        priority=int(Priority.RECHECK),
        changes="recheck_at = CAST(:again_at AS timestamptz)",
    )
}
""")


class Rechecking(RunStatements):
    async def start_rechecks(self, stages: StageNames, now: datetime) -> int:
        """Start runs of the deals whose recheck is due, the longest due first; how many."""
        parameters = {"stages": dump_stages(stages), "now": now, "again_at": now + RECHECK_AFTER, "most": MOST_WAITING}
        started = len(await self._database.run(_START, parameters))
        if started:
            wake(self._database)
        return started
