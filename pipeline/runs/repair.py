"""Repairs deals, runs and steps that contradict each other, and counts them. Transactions are atomic: none should."""

from sqlalchemy import TextClause, text

from models.conditions import TASK, is_active
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import counted_repairs

BATCH = 500
# Runs that ended longer ago were checked before; active runs are always checked.
LOOK_BACK_SECONDS = 600

# The runs that may contradict their deals or steps; a run need not be the latest of its deal.
_RECENT = f"""(
    SELECT r.* FROM pipeline_runs AS r WHERE {is_active()}
    UNION ALL
    SELECT r.* FROM pipeline_runs AS r WHERE r.ended_at > clock_timestamp() - interval '{LOOK_BACK_SECONDS} s')"""


def _repair(kind: str, fixed: str) -> tuple[str, TextClause]:
    """`fixed` is a statement that repairs this kind of contradiction and returns the rows that it has changed."""
    return kind, text(f"WITH fixed AS ({fixed}){counted_repairs(kind, 'fixed')} SELECT count(*) AS n FROM fixed")


# The run is always right: runs are not written, and deals and steps only while they still contradict their run.
REPAIRS: tuple[tuple[str, TextClause], ...] = (
    _repair(
        "deal without its latest run",
        f"""
    UPDATE deals AS d SET latest_run_id = n.id, updated_at = clock_timestamp()
    FROM {_RECENT} AS n
    WHERE n.deal_id = d.id AND d.latest_run_id IS DISTINCT FROM n.id
      AND n.number = (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = d.id)
    RETURNING d.id""",
    ),
    _repair(
        "deal of another status than its run",
        f"""
    UPDATE deals AS d SET status = n.status, updated_at = clock_timestamp()
    FROM {_RECENT} AS n WHERE n.id = d.latest_run_id AND d.status <> n.status
    RETURNING d.id""",
    ),
    _repair(
        "active deal whose run is over",
        f"""
    UPDATE deals AS d SET status = r.status, updated_at = clock_timestamp()
    FROM pipeline_runs AS r
    WHERE {is_active("d")} AND r.id = d.latest_run_id AND r.status <> d.status
    RETURNING d.id""",
    ),
    _repair(
        "step that runs in a run that does not",
        f"""
    UPDATE steps AS s
    SET status = CASE WHEN n.status IN ('QUEUED', 'RETRYING') THEN 'PENDING'
                      WHEN n.status IN ('CANCELLED', 'SKIPPED') THEN n.status::text
                      ELSE 'FAILED' END::step_status,
        ended_at = clock_timestamp(), error_type = coalesce(s.error_type, 'Reconciled')
    FROM {_RECENT} AS n WHERE n.id = s.run_id AND n.status <> 'RUNNING' AND s.status = 'RUNNING'
    RETURNING s.run_id""",
    ),
)

# Jobs of deals without an active run, of one that was cancelled while it waited, for example: no contradiction.
_IDLE_JOBS = text(f"""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.task_name = '{TASK}' AND j.status <> 'doing' AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.deal_id = (j.args ->> 'deal_id')::bigint AND {is_active()})
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
RETURNING id
""")


class Repairing(RunStatements):
    async def repair(self) -> dict[str, int]:
        """How many contradictions of which kind were repaired; empty when there was none."""
        found = {}
        for kind, statement in REPAIRS:
            count = (await self._database.run(statement))[0].n
            if count:
                found[kind] = count
        await self._database.run(_IDLE_JOBS, {"batch": BATCH})
        return found
