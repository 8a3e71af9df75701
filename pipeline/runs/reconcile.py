"""Deals, runs and steps that contradict each other: put right, and counted. Transactions are whole: none should."""

from sqlalchemy import TextClause, text

from core.database import Database
from pipeline.runs.repairs import counted

BATCH = 500
# What ended longer ago was looked at before; runs that are active are always looked at.
LOOK_BACK_SECONDS = 600

# The runs that may have gone wrong lately, each of them the latest of its deal or not.
_RECENT = f"""(
    SELECT r.* FROM pipeline_runs AS r WHERE r.status IN ('QUEUED', 'RUNNING', 'RETRYING')
    UNION ALL
    SELECT r.* FROM pipeline_runs AS r WHERE r.ended_at > clock_timestamp() - interval '{LOOK_BACK_SECONDS} s')"""  # noqa: S608


def _repair(kind: str, fixed: str) -> tuple[str, TextClause]:
    """`fixed` is a statement that puts right and returns what it has changed."""
    return kind, text(f"WITH fixed AS ({fixed}){counted(kind, 'fixed')} SELECT count(*) AS n FROM fixed")  # noqa: S608


# In each the truth is the run. Runs are not written, deals and steps only when they still contradict.
REPAIRS: tuple[tuple[str, TextClause], ...] = (
    _repair(
        "deal without its latest run",
        f"""
    UPDATE deals AS d SET latest_run_id = n.id, updated_at = clock_timestamp()
    FROM {_RECENT} AS n
    WHERE n.deal_id = d.id AND d.latest_run_id IS DISTINCT FROM n.id
      AND n.number = (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = d.id)
    RETURNING d.id""",  # noqa: S608 - constants of ours
    ),
    _repair(
        "deal of another status than its run",
        f"""
    UPDATE deals AS d SET status = n.status, updated_at = clock_timestamp()
    FROM {_RECENT} AS n WHERE n.id = d.latest_run_id AND d.status <> n.status
    RETURNING d.id""",  # noqa: S608 - constants of ours
    ),
    _repair(
        "active deal whose run is over",
        """
    UPDATE deals AS d SET status = r.status, updated_at = clock_timestamp()
    FROM pipeline_runs AS r
    WHERE d.status IN ('QUEUED', 'RUNNING', 'RETRYING') AND r.id = d.latest_run_id AND r.status <> d.status
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
    RETURNING s.run_id""",  # noqa: S608 - constants of ours
    ),
)

# Jobs for deals that have nothing to do any more, of a run that was cancelled while it waited, say: no contradiction.
_IDLE_JOBS = text("""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.task_name = 'process_deal' AND j.status <> 'doing' AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r
        WHERE r.deal_id = (j.args ->> 'deal_id')::bigint AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING'))
    LIMIT :batch FOR UPDATE OF j SKIP LOCKED)
RETURNING id
""")


async def reconcile(database: Database) -> dict[str, int]:
    """How much of what was put right; empty when everything was as it should be."""
    found = {}
    for kind, statement in REPAIRS:
        count = (await database.run(statement))[0].n
        if count:
            found[kind] = count
    await database.run(_IDLE_JOBS, {"batch": BATCH})
    return found
