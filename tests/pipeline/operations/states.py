"""Deals in the states that operations are about."""

from typing import Any

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.lease import Lease
from pipeline.runs.transition import StepEnd, Transition
from tests.factories import finish_step, queued_deal, rows, run_store, running_deal

RUNS = """
SELECT r.number, r.trigger, r.status, r.priority, d.status AS deal, d.current_stage AS stage, r.requested_by,
       (SELECT count(*) FROM procrastinate_jobs j WHERE j.id = r.job_id AND j.status = 'todo') AS jobs,
       coalesce((SELECT jsonb_agg(s.stage || ' ' || s.status || ' ' || s.attempts ORDER BY s.position) FROM steps s
                 WHERE s.run_id = r.id), '[]') AS steps
FROM pipeline_runs r JOIN deals d ON d.id = r.deal_id WHERE r.deal_id = :deal_id ORDER BY r.number
"""
ADA = "cli:ada"
AUDIT = "SELECT actor, action, target, arguments, outcome, detail FROM audit_events ORDER BY id"


async def failed_deal(database: Database, *, finished: int = 2) -> Lease:
    """A deal whose run has FAILED in the stage after `finished` finished ones."""
    lease = await running_deal(database)
    for position in range(finished):
        await finish_step(database, lease, position)
    await _end(database, lease, finished, Transition(status=RunStatus.FAILED))
    return lease


async def retrying_deal(database: Database) -> Lease:
    """A deal whose run waits an hour for the next attempt at its first stage; the job is left to the caller."""
    lease = await running_deal(database)
    await _end(database, lease, 0, Transition(status=RunStatus.RETRYING, delay_seconds=3600))
    return lease


async def held_deal(database: Database) -> int:
    """A deal whose run is held: it has no job."""
    deal_id = await queued_deal(database)
    await rows(database, "UPDATE pipeline_runs SET reason = 'HELD' WHERE deal_id = :id RETURNING id", id=deal_id)
    await rows(database, "DELETE FROM procrastinate_jobs WHERE args @> :a::jsonb RETURNING id".replace(
        ":a::jsonb", f"""'{{"deal_id": {deal_id}}}'"""))  # fmt: skip
    return deal_id


async def _end(database: Database, lease: Lease, position: int, to: Transition) -> None:
    end = StepEnd(position, StepStatus.FAILED, error_type="Refused", error_message="HubSpot refused it.")
    ended = Transition(status=to.status, end=end, delay_seconds=to.delay_seconds)
    await run_store(database).move(lease, ended)


async def runs(database: Database, deal_id: int) -> list[dict[str, Any]]:
    return await rows(database, RUNS, deal_id=deal_id)


async def last_run(database: Database, deal_id: int) -> dict[str, Any]:
    return (await runs(database, deal_id))[-1]
