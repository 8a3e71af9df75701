"""Crash suspicion: which runs seem to kill their worker, and how a heartbeat clears them.

When a worker dies, each of its runs is suspected, and counted once for each lease (`run_crashes`). The suspicion is
withdrawn when the worker turns out to be alive: it was frozen, or could not reach the database.
"""

from collections.abc import Sequence

from sqlalchemy import text

from models.conditions import MOST_CRASHES
from pipeline.runs.base import RunStatements

# Whether the lost run `r` is suspected. If the database itself was restarted since the lease was last renewed, the
# lease's expiry proves nothing against the run.
CRASHED = "r.lease_until - make_interval(secs => :lease_seconds) > pg_postmaster_start_time() AS crashed"

# CTEs behind `lost` (run_id, status, epoch, worker, incarnation, cancel_requested_at, crashed): how often each has
# crashed, and the status that it gets.
OUTCOMES = f"""suspicions AS (
    INSERT INTO run_crashes (run_id, epoch, worker, incarnation, at)
    SELECT l.run_id, l.epoch, l.worker, l.incarnation, clock_timestamp() FROM lost AS l WHERE l.crashed
    ON CONFLICT DO NOTHING
), counted_crashes AS (
    SELECT l.*, (SELECT count(*) FROM run_crashes AS c WHERE c.run_id = l.run_id) + l.crashed::int AS crashes
    FROM lost AS l
), outcomes AS (
    SELECT c.*, CASE WHEN c.cancel_requested_at IS NOT NULL THEN 'CANCELLED'
                     WHEN c.crashes >= {MOST_CRASHES} THEN 'FAILED'
                     WHEN c.status = 'RUNNING' THEN 'QUEUED' ELSE c.status END AS becomes
    FROM counted_crashes AS c
)"""

_HEARTBEAT = text("""
WITH withdrawn AS (
    DELETE FROM run_crashes WHERE worker = :name AND incarnation = :incarnation RETURNING run_id
), cleared AS (
    UPDATE pipeline_runs AS r SET crashes = greatest(r.crashes - w.n, 0)
    FROM (SELECT run_id, count(*) AS n FROM withdrawn GROUP BY run_id) AS w WHERE r.id = w.run_id AND r.ended_at IS NULL
)
INSERT INTO workers AS w (name, incarnation, queue_workers) VALUES (:name, :incarnation, :queue_workers)
ON CONFLICT (name) DO UPDATE
SET queue_workers = excluded.queue_workers, heartbeat_at = clock_timestamp(), stopped_at = NULL
WHERE w.incarnation = excluded.incarnation
RETURNING name
""")


class CrashSuspicion(RunStatements):
    async def record_heartbeat(self, *, worker: str, incarnation: str, queue_workers: Sequence[int]) -> bool:
        """Record a worker's heartbeat, and withdraw the suspicion against the runs of this living incarnation.

        Whether the name is still its own: while it sent no heartbeat, another worker may have taken it.
        """
        parameters = {"name": worker, "incarnation": incarnation, "queue_workers": list(queue_workers)}
        return bool(await self._database.run(_HEARTBEAT, parameters))
