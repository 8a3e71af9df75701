"""The pieces that the statements on runs are built from. Each reads its runs from a CTE, here called `r`.

Lock order: runs first, then deals. Every statement locks its runs in its first CTE, and every piece below writes rows
that hang on a locked run. A page and an operation that took deals first would deadlock with a worker that moves a run.
"""

from models.conditions import QUARANTINE, QUEUE, is_suspected
from pipeline.queue import deferred_jobs

_REQUEUED_JOBS = deferred_jobs(f"CASE WHEN {is_suspected('w')} THEN '{QUARANTINE}' ELSE '{QUEUE}' END")

WORKER_LOST = "Its worker sent no heartbeat."


def shown_on_deals(runs: str, *changes: str, where: str = "", returning: str = "") -> str:
    """Assigns `changes` to the deals `d` of the runs, and moves them to the front of the queue's order.

    `runs` is a CTE with `deal_id`, whose other columns the changes may use.
    """
    assignments = ", ".join((*changes, "updated_at = clock_timestamp()"))
    return f"""
    UPDATE deals AS d SET {assignments}
    FROM {runs} AS r WHERE d.id = r.deal_id{_and(where)}{f" RETURNING {returning}" if returning else ""}"""


def queued_runs(made: str, *, trigger: str, priority: int, changes: str) -> str:
    """The end of a statement: queues a further run of each deal of the CTE `made`, and returns the ids of the deals.

    `made` has (deal_id, run_id, n) and joins the CTE `jobs` by `n`: the runs without a job are held.
    """
    return f"""runs AS (
    INSERT INTO pipeline_runs (id, deal_id, number, trigger, priority, status, reason, stages, job_id)
    SELECT m.run_id, m.deal_id, 1 + (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = m.deal_id),
           '{trigger}', {priority}, 'QUEUED',
           CASE WHEN j.job_id IS NULL THEN 'HELD'::run_reason END, CAST(:stages AS jsonb), j.job_id
    FROM {made} AS m LEFT JOIN jobs AS j USING (n)
    ON CONFLICT DO NOTHING
    RETURNING id, deal_id
)
{
        shown_on_deals(
            "runs", "status = 'QUEUED'", "current_stage = NULL", "latest_run_id = r.id", changes, returning="d.id"
        )
    }"""


def closed_steps(runs: str, *, status: str, which: str = "s.status IN ('RUNNING', 'PENDING')", error: str = "") -> str:
    """Ends the steps `s` of the runs that have not ended. `runs` is a CTE with `id`; `status` is an SQL expression."""
    return f"""
    UPDATE steps AS s SET status = {status}, ended_at = clock_timestamp(){", " if error else ""}{error}
    FROM {runs} AS r WHERE s.run_id = r.id AND {which}"""


def closed_attempts(runs: str, *, error_type: str, message: str, where: str = "") -> str:
    """Ends the open attempts `a` of the runs: one without an end would look as if it still ran."""
    return f"""
    UPDATE step_attempts AS a
    SET ended_at = clock_timestamp(), error_type = '{error_type}', error_message = '{message}'
    FROM {runs} AS r WHERE a.run_id = r.id AND a.ended_at IS NULL{_and(where)}"""


def requeued(due: str, *, order: str = "r.run_id") -> str:
    """CTEs `wanted` and `jobs`: a job for each existing run of the CTE `due`; suspected runs go to the quarantine.

    `due` has (run_id, deal_id, priority, next_attempt_at, crashes). Join `wanted` and `jobs` by `n`.
    """
    return f"""wanted AS (
    SELECT r.run_id, r.deal_id, r.priority, r.next_attempt_at, r.crashes, row_number() OVER (ORDER BY {order}) AS n
    FROM {due} AS r
), jobs AS ({_REQUEUED_JOBS})"""


def counted_repairs(kind: str, fixed: str) -> str:
    """One more CTE of a statement: counts the rows of its CTE `fixed` as repairs of this kind. Each should be 0."""
    return f""", counted AS (
    INSERT INTO repairs AS p (kind, count, last_at)
    SELECT '{kind}', count(*), clock_timestamp() FROM {fixed} HAVING count(*) > 0
    ON CONFLICT (kind) DO UPDATE SET count = p.count + excluded.count, last_at = excluded.last_at
)"""


def _and(condition: str) -> str:
    return f" AND {condition}" if condition else ""
