"""Further runs of deals that have no active one: run, job and what the queue shows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunTrigger
from models.conditions import is_active
from models.stages import StageNames, dump_stages
from pipeline.queue import DEFERRED_JOBS, Priority, wake, wake_after
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import shown_on_deals

RERUN_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """The run is frozen to `stages`. Its first ones, `carried`, take the outputs of the run `carried_from`."""

    deal_id: int
    trigger: RunTrigger
    priority: Priority
    stages: StageNames
    requested_by: str
    carried: Sequence[str] = ()
    carried_from: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    run_id: int
    number: int


# Carried steps have no attempts: those stay with the run that made them. Each step names that run, also when it is
# carried over for the second time. A run that begins at the first stage reads the deal again, and so serves a change
# that has requested another run.
_START = text(f"""
WITH wanted AS (
    SELECT CAST(:deal_id AS bigint) AS deal_id, CAST(:priority AS integer) AS priority,
           NULL::timestamptz AS next_attempt_at, CAST(1 AS bigint) AS n
), jobs AS ({DEFERRED_JOBS}), run AS (
    INSERT INTO pipeline_runs (deal_id, number, trigger, priority, status, stages, job_id, requested_by)
    SELECT w.deal_id,
           1 + coalesce((SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = w.deal_id), 0),
           CAST(:trigger AS run_trigger), w.priority, 'QUEUED', CAST(:stages AS jsonb), j.job_id, :requested_by
    FROM wanted AS w JOIN jobs AS j USING (n)
    RETURNING id, deal_id, number
), carried AS (
    INSERT INTO steps (run_id, position, stage, status, attempts, started_at, ended_at, output, carried_from)
    SELECT run.id, c.n - 1, s.stage, 'DONE', 0, s.started_at, s.ended_at, s.output,
           CASE WHEN s.attempts > 0 THEN source.number ELSE s.carried_from END
    FROM run, unnest(CAST(:carried AS text[])) WITH ORDINALITY AS c (stage, n) JOIN steps AS s USING (stage)
    JOIN pipeline_runs AS source ON source.id = s.run_id
    WHERE s.run_id = CAST(:carried_from AS bigint) AND s.status = 'DONE'
), shown AS ({
    shown_on_deals(
        "run",
        "status = 'QUEUED'",
        "current_stage = :current_stage",
        "latest_run_id = r.id",
        "rerun_wanted_at = CASE WHEN :anew THEN NULL ELSE d.rerun_wanted_at END",
    )
}
)
SELECT id, number FROM run
""")

# Deals that another transaction has locked are left to the next call: waiting for them could deadlock.
# A deal that is retried at the same moment has a run that this statement does not see; the change waits for its end.
_START_WANTED = text(f"""
WITH due AS (
    SELECT d.id AS deal_id
    FROM deals AS d
    WHERE d.rerun_wanted_at IS NOT NULL AND d.archived_at IS NULL AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r WHERE r.deal_id = d.id AND {is_active()})
    ORDER BY d.rerun_wanted_at LIMIT :batch FOR UPDATE SKIP LOCKED
), wanted AS (
    SELECT d.deal_id, nextval(pg_get_serial_sequence('pipeline_runs', 'id')) AS run_id,
           {int(Priority.NEW)} AS priority, NULL::timestamptz AS next_attempt_at,
           row_number() OVER (ORDER BY d.deal_id) AS n
    FROM due AS d
), jobs AS ({DEFERRED_JOBS}), runs AS (
    INSERT INTO pipeline_runs (id, deal_id, number, trigger, priority, status, stages, job_id)
    SELECT w.run_id, w.deal_id, 1 + (SELECT max(r.number) FROM pipeline_runs AS r WHERE r.deal_id = w.deal_id),
           'CHANGED', w.priority, 'QUEUED', CAST(:stages AS jsonb), j.job_id
    FROM wanted AS w JOIN jobs AS j USING (n)
    ON CONFLICT DO NOTHING
    RETURNING id, deal_id
)
{
    shown_on_deals(
        "runs",
        "status = 'QUEUED'",
        "current_stage = NULL",
        "latest_run_id = r.id",
        "rerun_wanted_at = NULL",
        returning="d.id",
    )
}
""")


class Starting(RunStatements):
    @staticmethod
    async def start(session: AsyncSession, run: NewRun) -> Started:
        """IntegrityError when the deal has an active run: the unique index decides between two concurrent callers."""
        parameters = {
            "deal_id": run.deal_id,
            "trigger": run.trigger,
            "priority": int(run.priority),
            "stages": dump_stages(run.stages),
            "requested_by": run.requested_by,
            "carried": list(run.carried),
            "carried_from": run.carried_from,
            "current_stage": run.carried[-1] if run.carried else None,
            "anew": not run.carried,
        }
        row = (await session.execute(_START, parameters)).one()
        wake_after(session)
        return Started(row.id, row.number)

    async def start_wanted(self, stages: StageNames) -> int:
        """Start the runs that changes of deals have requested; how many.

        A deal gets exactly one such run, as soon as it has no active run.
        """
        started = len(await self._database.run(_START_WANTED, {"stages": dump_stages(stages), "batch": RERUN_BATCH}))
        if started:
            wake(self._database)
        return started
