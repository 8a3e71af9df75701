"""What must be true of the rows at any time, in SQL: no contradiction, counts only grow, ended things do not change."""

ACTIVE = "('QUEUED', 'RUNNING', 'RETRYING')"

# One row for each contradiction.
CONTRADICTIONS = f"""
SELECT 'deal and run' AS what, d.id FROM deals d LEFT JOIN pipeline_runs r ON r.id = d.latest_run_id
WHERE d.status IS DISTINCT FROM r.status
   OR r.number IS DISTINCT FROM (SELECT max(o.number) FROM pipeline_runs o WHERE o.deal_id = d.id)
UNION ALL SELECT 'deal and the stage of its run', d.id FROM deals d WHERE d.current_stage IS DISTINCT FROM
    (SELECT s.stage FROM steps s WHERE s.run_id = d.latest_run_id ORDER BY s.position DESC LIMIT 1)
UNION ALL SELECT 'an archived deal wants a run', id FROM deals
WHERE archived_at IS NOT NULL AND rerun_wanted_at IS NOT NULL
UNION ALL SELECT 'two active runs', deal_id FROM pipeline_runs WHERE status IN {ACTIVE}
GROUP BY deal_id HAVING count(*) > 1
UNION ALL SELECT 'ended_at does not match the status', id FROM pipeline_runs
WHERE (ended_at IS NULL) <> (status IN {ACTIVE})
UNION ALL SELECT 'lease does not match the status', id FROM pipeline_runs
WHERE (lease_until IS NOT NULL AND worker IS NOT NULL) <> (status = 'RUNNING') AND ended_at IS NULL
UNION ALL SELECT 'lease of an ended run', id FROM pipeline_runs
WHERE ended_at IS NOT NULL AND lease_until IS NOT NULL
UNION ALL SELECT 'next attempt does not match the status', id FROM pipeline_runs
WHERE (next_attempt_at IS NOT NULL) <> (status = 'RETRYING')
UNION ALL SELECT 'held, though it has begun', id FROM pipeline_runs WHERE reason = 'HELD' AND started_at IS NOT NULL
UNION ALL SELECT 'cancelled without a request', id FROM pipeline_runs
WHERE status = 'CANCELLED' AND cancel_requested_at IS NULL AND reason IS DISTINCT FROM 'HELD'
UNION ALL SELECT 'waits, though a cancel was requested', id FROM pipeline_runs
WHERE status IN ('QUEUED', 'RETRYING') AND cancel_requested_at IS NOT NULL
UNION ALL SELECT 'attempt begun after the cancel request', a.run_id
FROM step_attempts a JOIN pipeline_runs r ON r.id = a.run_id WHERE a.started_at > r.cancel_requested_at
UNION ALL SELECT 'running step of a run that does not run', r.id FROM pipeline_runs r JOIN steps s ON s.run_id = r.id
WHERE s.status = 'RUNNING' AND r.status <> 'RUNNING'
UNION ALL SELECT 'pending step of an ended run', r.id FROM pipeline_runs r JOIN steps s ON s.run_id = r.id
WHERE s.status = 'PENDING' AND r.ended_at IS NOT NULL
UNION ALL SELECT 'step cancelled or skipped without its run', r.id FROM pipeline_runs r JOIN steps s ON s.run_id = r.id
WHERE s.status IN ('CANCELLED', 'SKIPPED') AND s.status::text <> r.status::text
UNION ALL SELECT 'failed without a failed step', r.id FROM pipeline_runs r
WHERE r.status = 'FAILED' AND r.reason IS DISTINCT FROM 'BLOCKED_BY_UNKNOWN_STAGE'
  AND r.reason IS DISTINCT FROM 'CRASHED'
  AND NOT EXISTS (SELECT FROM steps s WHERE s.run_id = r.id AND s.status = 'FAILED')
UNION ALL SELECT 'two running steps', run_id FROM steps WHERE status = 'RUNNING' GROUP BY run_id HAVING count(*) > 1
UNION ALL SELECT 'step behind an unfinished one', b.run_id FROM steps b LEFT JOIN steps a
ON a.run_id = b.run_id AND a.position = b.position - 1 WHERE b.position > 0 AND a.status IS DISTINCT FROM 'DONE'
UNION ALL SELECT 'done without its steps', r.id FROM pipeline_runs r WHERE r.status = 'DONE'
AND jsonb_array_length(r.stages) <> (SELECT count(*) FROM steps s WHERE s.run_id = r.id AND s.status = 'DONE')
UNION ALL SELECT 'open attempt of a step that does not run', a.run_id FROM step_attempts a
JOIN steps s USING (run_id, position)
WHERE a.ended_at IS NULL AND NOT (s.status = 'RUNNING' AND s.attempts = a.attempt)
UNION ALL SELECT 'attempts do not match their number', s.run_id FROM steps s WHERE s.attempts <>
    (SELECT count(*) FROM step_attempts a WHERE a.run_id = s.run_id AND a.position = s.position)
UNION ALL SELECT 'two suspected runs at a time', count(*) FROM pipeline_runs WHERE status = 'RUNNING' AND crashes >= 2
HAVING count(*) > 1
UNION ALL SELECT 'crashed, with fewer crashes', id FROM pipeline_runs WHERE reason = 'CRASHED' AND crashes < 5
UNION ALL SELECT 'ended bulk operation with waiting items', b.id FROM bulk_operations b
WHERE b.status <> 'RUNNING' AND EXISTS (
    SELECT FROM bulk_operation_items i WHERE i.bulk_id = b.id AND i.status = 'WAITING')
"""

# Numbers that only grow.
GROWING_NUMBERS = """
SELECT 'audit' AS what, count(*) AS n FROM audit_events
UNION ALL SELECT 'runs of ' || deal_id, count(*) FROM pipeline_runs GROUP BY deal_id
UNION ALL SELECT 'epoch ' || id, epoch FROM pipeline_runs
UNION ALL SELECT 'claims ' || id, claims FROM pipeline_runs
UNION ALL SELECT 'attempts ' || run_id || ' ' || position, attempts FROM steps
UNION ALL SELECT 'failures ' || run_id || ' ' || position, failures FROM steps
UNION ALL SELECT 'done ' || run_id, count(*) FROM steps WHERE status = 'DONE' GROUP BY run_id
"""

# A row that was found under `what` never gets another `value`. A deal that changes gets a new `updated_at`.
FIXED_VALUES = """
SELECT 'run ' || id AS what, md5(r::text) AS value FROM pipeline_runs r WHERE ended_at IS NOT NULL
UNION ALL SELECT 'step ' || run_id || ' ' || position, md5(s::text) FROM steps s WHERE status = 'DONE'
UNION ALL SELECT 'step ' || s.run_id || ' ' || s.position || ' of an ended run', md5(s::text)
FROM steps s JOIN pipeline_runs r ON r.id = s.run_id WHERE r.ended_at IS NOT NULL
UNION ALL SELECT 'attempt ' || run_id || ' ' || position || ' ' || attempt, md5(a::text) FROM step_attempts a
WHERE ended_at IS NOT NULL
UNION ALL SELECT 'deal ' || d.id || ' at ' || d.updated_at,
    concat_ws(' ', d.status, d.current_stage, r.number, r.reason, d.archived_at)
FROM deals d JOIN pipeline_runs r ON r.id = d.latest_run_id
"""

# A waiting run without a job that delivers it.
WAITING_WITHOUT_JOB = """
SELECT 'no job' AS what, r.id FROM pipeline_runs r
WHERE r.status IN ('QUEUED', 'RETRYING') AND r.reason IS DISTINCT FROM 'HELD'
AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.id = r.job_id AND j.status IN ('todo', 'doing'))
"""

# After the rescue, when every worker is dead: no run is held by a worker, and no job is without a run.
STUCK = f"""
SELECT 'run' AS what, id FROM pipeline_runs WHERE status = 'RUNNING'
UNION ALL SELECT 'job', id FROM procrastinate_jobs WHERE status <> 'todo'
UNION ALL SELECT 'job without a run', j.id FROM procrastinate_jobs j WHERE NOT EXISTS (
    SELECT FROM pipeline_runs r WHERE r.deal_id = (j.args ->> 'deal_id')::bigint AND r.status IN {ACTIVE})
"""

# After that, when a healthy worker has emptied the queue.
UNFINISHED = f"""
SELECT 'run' AS what, id FROM pipeline_runs WHERE status IN {ACTIVE}
UNION ALL SELECT 'wanted', id FROM deals WHERE rerun_wanted_at IS NOT NULL
UNION ALL SELECT 'bulk operation', id FROM bulk_operations WHERE status = 'RUNNING'
UNION ALL SELECT 'job', id FROM procrastinate_jobs
"""

# Everything that an operation may change, as one value.
STATE_HASH = " || ".join(
    f"coalesce((SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {table} t), '')"
    for table in ("deals", "pipeline_runs", "steps", "step_attempts", "procrastinate_jobs", "controls",
                  "bulk_operations", "bulk_operation_items")
)  # fmt: skip
STATE_HASH = f"SELECT {STATE_HASH}"
