"""How long each stage takes and how long runs wait, over the last day: late and stuck runs are judged by it."""

from sqlalchemy import text

from models import PATIENT_PRIORITY, QUEUE_WAIT
from scheduler.context import JobContext

# Percentiles of a sample of this size are as good as those of a million runs, and cost the same every minute.
SAMPLED_RUNS = 10_000

# The sample is every n-th run that ended within the day, found by the index that the purge uses. Only successful steps
# count: one that timed out says nothing about how long the stage takes. A step that was carried over has no attempts,
# and counts with the run that made it.
# The waits of backfilled deals are excluded: they may last hours, and would hide that a new deal is late. So would the
# time that a run was held or the queue paused; `controls` keeps only the last resume, the audit log all of them.
_REFRESH = text(f"""
WITH day AS MATERIALIZED (
    SELECT id, priority, created_at, queued_at, started_at
    FROM pipeline_runs WHERE ended_at > now() - interval '24 hours'
), resumed AS MATERIALIZED (
    SELECT at FROM audit_events
    WHERE action = 'resume' AND outcome = 'DONE' AND at > now() - interval '24 hours'
), chosen AS (
    SELECT * FROM day WHERE id % (SELECT 1 + count(*) / {SAMPLED_RUNS} FROM day) = 0
), lasted AS (
    SELECT s.stage, extract(epoch FROM s.ended_at - s.started_at)::float8 AS seconds
    FROM chosen AS c JOIN steps AS s ON s.run_id = c.id WHERE s.status = 'DONE' AND s.attempts > 0
    UNION ALL
    SELECT :queue_wait, extract(epoch FROM c.started_at - greatest(
        c.created_at, c.queued_at, (SELECT max(r.at) FROM resumed AS r WHERE r.at <= c.started_at)))::float8
    FROM chosen AS c WHERE c.started_at IS NOT NULL AND c.priority > {PATIENT_PRIORITY}
), measured AS (
    SELECT stage, count(*) AS samples,
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY greatest(seconds, 0)) AS p
    FROM lasted GROUP BY stage
), outdated AS (
    DELETE FROM stage_stats AS s WHERE NOT EXISTS (SELECT FROM measured AS m WHERE m.stage = s.stage)
)
INSERT INTO stage_stats (stage, samples, p50, p95, p99, measured_at)
SELECT stage, samples, p[1], p[2], p[3], clock_timestamp() FROM measured
ON CONFLICT (stage) DO UPDATE SET samples = excluded.samples, p50 = excluded.p50, p95 = excluded.p95,
    p99 = excluded.p99, measured_at = excluded.measured_at
""")  # noqa: S608 - two constants of ours


async def refresh_stage_stats(context: JobContext) -> None:
    """Idempotent: two schedulers that run it at the same time store the same rows."""
    await context.database.run(_REFRESH, {"queue_wait": QUEUE_WAIT})
