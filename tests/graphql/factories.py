"""Deals and runs in any state, also in those that no writer of the product leaves behind: plain inserts."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from core.database import Database
from models import RunStatus, StepStatus, metadata
from tests.factories import STAGES

MOMENT = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
STAGE_LIST = [{"key": key, "label": key.replace("_", " ").capitalize()} for key in STAGES]
ALL_DONE = (StepStatus.DONE,) * len(STAGES)

_deals, _runs, _steps = (metadata.tables[name] for name in ("deals", "pipeline_runs", "steps"))
_numbers = itertools.count(1)


async def deal(database: Database, **columns: Any) -> int:
    """A deal without a run; its id."""
    number = next(_numbers)
    row = {
        "hubspot_deal_id": f"77000{number}",
        "name": f"Deal {number}",
        "properties": {},
        "properties_read_at": MOMENT,
        "content_hash": b"",
        "hubspot_modified_at": MOMENT,
        "status": RunStatus.QUEUED,
        "created_at": MOMENT,
        "updated_at": MOMENT + timedelta(seconds=number),
        **columns,
    }
    rows = await database.run(insert(_deals).returning(_deals.c.id), row)
    return int(rows[0].id)


async def run(
    database: Database, deal_id: int, status: RunStatus, steps: Sequence[StepStatus] = (), **columns: Any
) -> int:
    """The deal's next run, which becomes its latest, with the begun steps' statuses in order; its id."""
    row = {"deal_id": deal_id, "status": status, "number": 1, "trigger": "NEW", "stages": STAGE_LIST, **columns}
    rows = await database.run(insert(_runs).returning(_runs.c.id), row)
    run_id = int(rows[0].id)
    for position, step_status in enumerate(steps):
        await step(database, run_id, position, step_status)
    shown = "UPDATE deals SET latest_run_id = :run_id, status = CAST(:status AS run_status) WHERE id = :deal_id"
    await database.run(text(shown), {"run_id": run_id, "status": status, "deal_id": deal_id})
    return run_id


async def step(database: Database, run_id: int, position: int, status: StepStatus, **columns: Any) -> None:
    began = MOMENT + timedelta(seconds=position)
    row = {
        "run_id": run_id,
        "position": position,
        "stage": STAGES[position],
        "status": status,
        "attempts": 1,
        "started_at": began,
        "ended_at": None if status in {StepStatus.RUNNING, StepStatus.PENDING} else began + timedelta(seconds=1),
        **columns,
    }
    await database.run(insert(_steps), row)


async def queued_deal(database: Database, **columns: Any) -> int:
    deal_id = await deal(database, **columns)
    await run(database, deal_id, RunStatus.QUEUED)
    return deal_id


async def running_deal(database: Database, **columns: Any) -> int:
    """In its second stage."""
    deal_id = await deal(database, **columns)
    await run(database, deal_id, RunStatus.RUNNING, (StepStatus.DONE, StepStatus.RUNNING))
    return deal_id


async def retrying_deal(database: Database, **columns: Any) -> int:
    """Its second stage failed once and will be tried again."""
    deal_id = await deal(database, **columns)
    run_id = await run(
        database, deal_id, RunStatus.RETRYING, (StepStatus.DONE,), next_attempt_at=MOMENT + timedelta(minutes=1)
    )
    error = {"error_type": "Timeout", "error_message": "HubSpot did not answer within 30 s."}
    await step(database, run_id, 1, StepStatus.FAILED, **error)
    return deal_id


async def done_deal(database: Database, **columns: Any) -> int:
    deal_id = await deal(database, **columns)
    await run(database, deal_id, RunStatus.DONE, ALL_DONE)
    return deal_id


async def twice_run_deal(database: Database, **columns: Any) -> int:
    """Failed in its first run, through in its second."""
    deal_id = await deal(database, **columns)
    await run(database, deal_id, RunStatus.FAILED, (StepStatus.DONE, StepStatus.FAILED))
    await run(database, deal_id, RunStatus.DONE, ALL_DONE, number=2, trigger="RETRY")
    return deal_id


async def full_queue(database: Database, count: int) -> None:
    """`count` deals, each through all stages in a first and again in a second run, made in one go."""
    await database.run(text(_FULL_QUEUE), {"count": count, "stages": list(STAGES)})
    await database.run(text(_LATEST))


_FULL_QUEUE = """
WITH made AS (
    INSERT INTO deals (hubspot_deal_id, name, amount, properties, properties_read_at, content_hash,
                       hubspot_modified_at, status, updated_at)
    SELECT 880000 + n, 'Deal ' || n, n * 10.5, '{}', now(), '', now(), 'DONE', now() - n * interval '1 second'
    FROM generate_series(1, CAST(:count AS integer)) AS n RETURNING id
), runs AS (
    INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages)
    SELECT id, number, 'NEW', 'DONE', (
        SELECT jsonb_agg(jsonb_build_object('key', key, 'label', key)) FROM unnest(CAST(:stages AS text[])) AS key)
    FROM made, generate_series(1, 2) AS number RETURNING id, deal_id, number
), steps AS (
    INSERT INTO steps (run_id, position, stage, status, attempts, started_at, ended_at, output)
    SELECT runs.id, s.position - 1, s.stage, 'DONE', 1, now(), now(), '{"found": 1}'
    FROM runs, unnest(CAST(:stages AS text[])) WITH ORDINALITY AS s (stage, position)
)
SELECT id FROM runs
"""

_LATEST = "UPDATE deals AS d SET latest_run_id = r.id FROM pipeline_runs AS r WHERE r.deal_id = d.id AND r.number = 2"
