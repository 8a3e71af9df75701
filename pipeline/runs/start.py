"""A further run of a deal that has none active: run, job and what the queue shows, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunTrigger
from pipeline.queue import DEFERRED_JOBS, Priority, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """`stages` is the run's JSON. The outputs of `carried`, its first stages, are those of the run `carried_from`."""

    deal_id: int
    trigger: RunTrigger
    priority: Priority
    stages: str
    requested_by: str
    carried: Sequence[str] = ()
    carried_from: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    run_id: int
    number: int


# Carried steps have no attempts: those are kept with the run that made them. A run that begins anew reads the deal
# anew: a change that has asked for another run is served by it.
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
    INSERT INTO steps (run_id, position, stage, status, attempts, started_at, ended_at, output)
    SELECT run.id, c.n - 1, s.stage, 'DONE', 0, s.started_at, s.ended_at, s.output
    FROM run, unnest(CAST(:carried AS text[])) WITH ORDINALITY AS c (stage, n) JOIN steps AS s USING (stage)
    WHERE s.run_id = CAST(:carried_from AS bigint) AND s.status = 'DONE'
), shown AS (
    UPDATE deals AS d
    SET status = 'QUEUED', current_stage = :current_stage, latest_run_id = run.id, updated_at = clock_timestamp(),
        rerun_wanted_at = CASE WHEN :anew THEN NULL ELSE d.rerun_wanted_at END
    FROM run WHERE d.id = run.deal_id
)
SELECT id, number FROM run
""")  # noqa: S608 - a constant of ours


async def start_run(session: AsyncSession, run: NewRun) -> Started:
    """IntegrityError when the deal has an active run: the unique index decides between two that ask at once."""
    parameters = {
        "deal_id": run.deal_id,
        "trigger": run.trigger,
        "priority": int(run.priority),
        "stages": run.stages,
        "requested_by": run.requested_by,
        "carried": list(run.carried),
        "carried_from": run.carried_from,
        "current_stage": run.carried[-1] if run.carried else None,
        "anew": not run.carried,
    }
    row = (await session.execute(_START, parameters)).one()
    wake(session)
    return Started(row.id, row.number)
