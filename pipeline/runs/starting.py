"""Further runs of deals that have no active one: run, job and what the queue shows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models import RunTrigger
from models.conditions import is_active, is_queued
from models.stages import StageNames, dump_stages
from pipeline.queue import DEFERRED_JOBS, Priority, wake, wake_after
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import queued_runs, shown_on_deals

RERUN_BATCH = 500
# More runs than ever wait: none is held.
WITHOUT_LIMIT = 2**31 - 1


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

# At most `hold_above` of these runs wait for a worker; the others are held, as new deals are that arrive at once.
# Deals that another transaction has locked are left to the next call: waiting for them could deadlock.
# A deal that is retried at the same moment has a run that this statement does not see; the change waits for its end.
_START_WANTED = text(f"""
WITH due AS (
    SELECT d.id AS deal_id
    FROM deals AS d
    WHERE d.rerun_wanted_at IS NOT NULL AND d.archived_at IS NULL AND NOT EXISTS (
        SELECT FROM pipeline_runs AS r WHERE r.deal_id = d.id AND {is_active()})
    ORDER BY d.rerun_wanted_at LIMIT :batch FOR UPDATE SKIP LOCKED
), made AS (
    SELECT d.deal_id, nextval(pg_get_serial_sequence('pipeline_runs', 'id')) AS run_id,
           row_number() OVER (ORDER BY d.deal_id) AS n
    FROM due AS d
), wanted AS (
    SELECT m.*, {int(Priority.CHANGED)} AS priority, NULL::timestamptz AS next_attempt_at
    FROM made AS m WHERE m.n <= CAST(:hold_above AS integer) - (
        SELECT count(*) FROM pipeline_runs AS r WHERE {is_queued()} AND r.priority = {int(Priority.CHANGED)})
), jobs AS ({DEFERRED_JOBS}), {
    queued_runs("made", trigger="CHANGED", priority=int(Priority.CHANGED), changes="rerun_wanted_at = NULL")
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

    async def start_wanted(self, stages: StageNames, *, hold_above: int = WITHOUT_LIMIT) -> int:
        """Start the runs that changes of deals have requested; how many, held ones included.

        A deal gets exactly one such run, as soon as it has no active run. While `hold_above` of them wait, further ones
        are held.
        """
        parameters = {"stages": dump_stages(stages), "batch": RERUN_BATCH, "hold_above": hold_above}
        started = len(await self._database.run(_START_WANTED, parameters))
        if started:
            wake(self._database)
        return started
