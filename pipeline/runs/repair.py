"""Repairs deals, runs and steps that contradict each other, and counts them. Transactions are atomic: none should."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import TextClause, text

from core.in_turn import in_turn
from models import ACTIVE, RunStatus
from models.conditions import TASK, is_active
from pipeline.runs.base import WINDOW, RunStatements, Walk
from pipeline.runs.sql import counted_repairs

BATCH = 500
# Runs that ended longer ago were checked before.
LOOK_BACK_SECONDS = 600

_WAITING_RUNS = Walk(
    "repair", "SELECT id, deal_id, number, status FROM pipeline_runs WHERE status IN ('QUEUED', 'RETRYING')"
)
_WAITING_JOBS = Walk(
    "idle jobs",
    f"SELECT id, args FROM procrastinate_jobs WHERE task_name = '{TASK}' AND status IN ('todo', 'doing')",
)

# The runs that may contradict their deals or steps; a run need not be the latest of its deal. `now()`, because an index
# is of no use for a comparison with `clock_timestamp()`, which may differ from row to row.
_RECENT = f"""recent AS MATERIALIZED (
    ({_WAITING_RUNS.window})
    UNION ALL
    SELECT r.id, r.deal_id, r.number, r.status FROM pipeline_runs AS r WHERE r.status = 'RUNNING'
    UNION ALL
    SELECT r.id, r.deal_id, r.number, r.status FROM pipeline_runs AS r
    WHERE r.ended_at > now() - interval '{LOOK_BACK_SECONDS} s'
)"""


def _one_by_one(select: str) -> str:
    """A subquery that is executed for each row before it: the planner would rather read a whole table."""
    return f"LATERAL ({select} OFFSET 0)"


_DEAL = _one_by_one("SELECT d.latest_run_id, d.status FROM deals AS d WHERE d.id = n.deal_id")
_RUNNING_STEPS = _one_by_one("SELECT s.position FROM steps AS s WHERE s.run_id = n.id AND s.status = 'RUNNING'")


def _repair(kind: str, found: str, fixed: str) -> tuple[str, TextClause]:
    """`found` selects the contradictions among the runs `n`; `fixed` repairs them and returns what it has changed.

    Two steps: what is updated is found by its key, whatever the planner expects of the first.
    """
    return kind, text(f"""
WITH {_RECENT}, found AS MATERIALIZED ({found}), fixed AS ({fixed}){counted_repairs(kind, "fixed")}
SELECT count(*) AS n FROM fixed
""")


# The run is always right: runs are not written, and deals and steps only while they still contradict their run.
REPAIRS: tuple[tuple[str, TextClause], ...] = (
    _repair(
        "deal without its latest run",
        f"""
    SELECT n.id, n.deal_id FROM recent AS n, {_DEAL} AS d
    WHERE d.latest_run_id IS DISTINCT FROM n.id
      AND n.number = (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = n.deal_id)""",
        """
    UPDATE deals AS d SET latest_run_id = n.id, updated_at = clock_timestamp()
    FROM found AS n
    WHERE d.id = ANY(ARRAY(SELECT deal_id FROM found)) AND d.id = n.deal_id AND d.latest_run_id IS DISTINCT FROM n.id
    RETURNING d.id""",
    ),
    _repair(
        "deal of another status than its run",
        f"""
    SELECT n.id, n.deal_id, n.status FROM recent AS n, {_DEAL} AS d
    WHERE d.latest_run_id = n.id AND d.status <> n.status""",
        """
    UPDATE deals AS d SET status = n.status, updated_at = clock_timestamp()
    FROM found AS n
    WHERE d.id = ANY(ARRAY(SELECT deal_id FROM found)) AND n.id = d.latest_run_id AND d.status <> n.status
    RETURNING d.id""",
    ),
    _repair(
        "step that runs in a run that does not",
        f"""
    SELECT n.id, n.status, s.position FROM recent AS n, {_RUNNING_STEPS} AS s WHERE n.status <> 'RUNNING'""",
        """
    UPDATE steps AS s
    SET status = CASE WHEN n.status IN ('QUEUED', 'RETRYING') THEN 'PENDING'
                      WHEN n.status IN ('CANCELLED', 'SKIPPED') THEN n.status::text
                      ELSE 'FAILED' END::step_status,
        ended_at = clock_timestamp(), error_type = coalesce(s.error_type, 'Reconciled')
    FROM found AS n
    WHERE s.run_id = ANY(ARRAY(SELECT id FROM found)) AND n.id = s.run_id AND n.position = s.position
      AND s.status = 'RUNNING'
    RETURNING s.run_id""",
    ),
)

# However long ago the run ended. Deals that the queue shows as active, in its order, a window of them in each call.
_OVER = "active deal whose run is over"
_ACTIVE_DEALS = text(f"""
WITH page AS MATERIALIZED (
    SELECT d.id, d.updated_at, d.latest_run_id FROM deals AS d
    WHERE d.status = CAST(:status AS run_status)
      AND (d.updated_at, d.id) < (CAST(:updated_at AS timestamptz), CAST(:id AS bigint))
    ORDER BY d.updated_at DESC, d.id DESC LIMIT :window
), found AS MATERIALIZED (
    SELECT p.id, p.latest_run_id, r.status
    FROM page AS p, {_one_by_one("SELECT r.status FROM pipeline_runs AS r WHERE r.id = p.latest_run_id")} AS r
    WHERE r.status <> CAST(:status AS run_status)
), fixed AS (
    UPDATE deals AS d SET status = n.status, updated_at = clock_timestamp()
    FROM found AS n
    WHERE d.id = ANY(ARRAY(SELECT id FROM found)) AND d.id = n.id AND d.latest_run_id = n.latest_run_id
      AND {is_active("d")} AND d.status <> n.status
    RETURNING d.id
){counted_repairs(_OVER, "fixed")}
SELECT (SELECT count(*) FROM fixed) AS n, (SELECT count(*) FROM page) AS seen, p.updated_at, p.id
FROM (SELECT) AS one LEFT JOIN (SELECT * FROM page ORDER BY updated_at, id LIMIT 1) AS p ON true
""")
_FIRST_DEAL = (datetime.max.replace(tzinfo=UTC), 2**63 - 1)

# Jobs of deals without an active run, of one that was cancelled while it waited, for example: no contradiction.
_IDLE_JOBS = text(f"""
DELETE FROM procrastinate_jobs WHERE id IN (
    SELECT j.id FROM procrastinate_jobs AS j
    WHERE j.status <> 'doing' AND j.id = ANY(ARRAY(
        SELECT w.id FROM ({_WAITING_JOBS.window}) AS w
        WHERE (SELECT r.id FROM pipeline_runs AS r
               WHERE r.deal_id = (w.args ->> 'deal_id')::bigint AND {is_active()}) IS NULL
        LIMIT :batch))
    FOR UPDATE SKIP LOCKED)
RETURNING id
""")


class Repairing(RunStatements):
    async def repair(self) -> dict[str, int]:
        """How many contradictions of which kind were repaired; empty when there was none.

        Of runs that wait it checks a window in each call. A repair that fails is logged and stops no other.
        """
        window = await self._next_window(_WAITING_RUNS)
        parts: dict[str, Callable[[], Awaitable[int]]] = {
            kind: partial(self._repaired, statement, window) for kind, statement in REPAIRS
        }
        parts |= {f"{_OVER}: {status}": partial(self._repaired_deals, status) for status in sorted(ACTIVE)}
        parts["idle jobs"] = self._delete_idle_jobs
        found = await in_turn("repair", parts)
        over = sum(count for name, count in found.items() if name.startswith(_OVER))
        return {kind: n for kind, n in [*((kind, found.get(kind, 0)) for kind, _ in REPAIRS), (_OVER, over)] if n}

    async def _repaired(self, statement: TextClause, window: dict[str, int]) -> int:
        return int((await self._database.run(statement, window))[0].n)

    async def _repaired_deals(self, status: RunStatus) -> int:
        updated_at, deal_id = self._positions.get(f"{_OVER}: {status}", _FIRST_DEAL)
        given = {"status": status, "updated_at": updated_at, "id": deal_id, "window": WINDOW}
        row = (await self._database.run(_ACTIVE_DEALS, given))[0]
        self._positions[f"{_OVER}: {status}"] = _FIRST_DEAL if row.seen < WINDOW else (row.updated_at, row.id)
        return int(row.n)

    async def _delete_idle_jobs(self) -> int:
        window = await self._next_window(_WAITING_JOBS)
        return len(await self._database.run(_IDLE_JOBS, {**window, "batch": BATCH}))
