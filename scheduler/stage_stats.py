"""How long each stage takes and how long runs wait, over the last day: what is late or stuck is told by it."""

from sqlalchemy import text

from models import PATIENT_PRIORITY, QUEUE_WAIT
from scheduler.context import Context

# Percentiles of so many runs are as good as those of a million, and cost the same every minute.
MOST_RUNS = 10_000

# Every n-th run that has ended within the day, by an index that is there for the purge. Of stages only what went well
# counts: a stage that ran into its timeout says nothing about how long it takes. One that was carried over, without
# attempts, counts with the run that made it.
# The backfill waits because it can; its hours would hide that a new deal is late, and so would those of a run that was
# held, or of a pause. Of those `controls` knows the last alone, the audit all.
_REFRESH = text(f"""
WITH day AS MATERIALIZED (
    SELECT id, priority, created_at, queued_at, started_at
    FROM pipeline_runs WHERE ended_at > clock_timestamp() - interval '24 hours'
), resumed AS MATERIALIZED (
    SELECT at FROM audit_events
    WHERE action = 'resume' AND outcome = 'DONE' AND at > clock_timestamp() - interval '24 hours'
), chosen AS (
    SELECT * FROM day WHERE id % (SELECT 1 + count(*) / {MOST_RUNS} FROM day) = 0
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
""")  # noqa: S608 - two numbers of ours


async def refresh_stage_stats(context: Context) -> None:
    """Two schedulers that do it at the same time do the same."""
    await context.database.run(_REFRESH, {"queue_wait": QUEUE_WAIT})
