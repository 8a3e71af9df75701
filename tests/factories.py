"""Deals named after their state: made through the product's statements, or by plain inserts (`insert_...`).

A plain insert can make any row, even one that the product never writes.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, text

from core.database import Database
from models import RunStatus, StepStatus, metadata
from models.stages import StageName
from pipeline.runs.intake import IntakeRules, PageCounts, store_page
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore
from pipeline.runs.synced_deal import SyncedDeal
from pipeline.runs.transition import StepEnd, Transition

STAGES = ("fetch", "validate", "associate", "deduplicate", "score", "write_back")
STAGE_NAMES = tuple(StageName(key, key.replace("_", " ").capitalize()) for key in STAGES)
RULES = IntakeRules(stages=STAGE_NAMES)
MODIFIED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LEASE_SECONDS = 12.0
WORKER = "worker@test"
INCARNATION = "first"
MOMENT = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
ALL_DONE = (StepStatus.DONE,) * len(STAGES)

_numbers = itertools.count(1)
_deals, _runs, _steps = (metadata.tables[name] for name in ("deals", "pipeline_runs", "steps"))


def deal_row(hubspot_deal_id: str | None = None, **changes: Any) -> SyncedDeal:
    """A deal as the sync read it."""
    identifier = hubspot_deal_id or f"90000{next(_numbers)}"
    row = SyncedDeal(
        hubspot_deal_id=identifier,
        name=f"Deal {identifier}",
        amount=Decimal("1200.50"),
        currency="EUR",
        hubspot_pipeline="default",
        hubspot_stage="qualifiedtobuy",
        hubspot_stage_label="Qualified to buy",
        owner_id="7",
        owner_name="Ada Byron",
        close_date=None,
        properties='{"dealname": "Deal"}',
        content_hash=b"",
        hubspot_created_at=MODIFIED,
        hubspot_modified_at=MODIFIED,
        archived_at=None,
    )
    row = replace(row, **changes)
    content = replace(row, hubspot_modified_at=MODIFIED)
    return replace(row, content_hash=hashlib.sha256(repr(content).encode()).digest())


def run_store(database: Database, lease_seconds: float = LEASE_SECONDS) -> RunStore:
    return RunStore(database, lease_seconds=lease_seconds)


async def store(database: Database, *rows: SyncedDeal, rules: IntakeRules = RULES, **options: Any) -> PageCounts:
    """Store the page, read now, in its own transaction."""
    async with database.write() as session:
        return await store_page(session, rows, rules, **{"read_at": datetime.now(UTC), **options})


async def queued_deal(database: Database, **changes: Any) -> int:
    """A deal with a QUEUED run of trigger NEW and its job; returns the deal's id."""
    row = deal_row(**changes)
    await store(database, row)
    return int(await one(database, "SELECT id FROM deals WHERE hubspot_deal_id = :id", id=row.hubspot_deal_id))


async def running_deal(database: Database, *, lease_seconds: float = LEASE_SECONDS) -> Lease:
    """A deal whose run is claimed and in its first stage."""
    runs = run_store(database, lease_seconds)
    lease = await runs.claim(await queued_deal(database), worker=WORKER, incarnation=INCARNATION)
    assert lease is not None
    await runs.move(lease, Transition(begin=0))
    return lease


async def finish_step(database: Database, lease: Lease, position: int) -> None:
    """End the step at `position` as DONE and begin the next, or end the run after the last."""
    last = position == len(lease.stages) - 1
    to = Transition(
        status=RunStatus.DONE if last else RunStatus.RUNNING,
        end=StepEnd(position, StepStatus.DONE, output={"stage": lease.stages[position]}),
        begin=None if last else position + 1,
    )
    await run_store(database).move(lease, to)


async def done_deal(database: Database) -> Lease:
    """A deal whose run went through all stages."""
    lease = await running_deal(database)
    for position in range(len(lease.stages)):
        await finish_step(database, lease, position)
    return lease


async def expire(database: Database, lease: Lease) -> None:
    """The run's lease has expired."""
    statement = "UPDATE pipeline_runs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"
    await database.run(text(statement), {"id": lease.run_id})


async def rows(database: Database, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await database.run(text(sql), parameters)]


async def one(database: Database, sql: str, **parameters: Any) -> Any:
    """The only value of the only row."""
    found = await rows(database, sql, **parameters)
    assert len(found) == 1, f"{len(found)} rows"
    return next(iter(found[0].values()))


async def insert_deal(database: Database, **columns: Any) -> int:
    """A deal without a run; returns its id."""
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
    found = await database.run(insert(_deals).returning(_deals.c.id), row)
    return int(found[0].id)


async def insert_run(
    database: Database, deal_id: int, status: RunStatus, steps: Sequence[StepStatus] = (), **columns: Any
) -> int:
    """The deal's next run, which becomes its latest, with the statuses of the begun steps in order; returns its id."""
    row = {
        "deal_id": deal_id,
        "status": status,
        "number": 1,
        "trigger": "NEW",
        "stages": [stage._asdict() for stage in STAGE_NAMES],
        **columns,
    }
    found = await database.run(insert(_runs).returning(_runs.c.id), row)
    run_id = int(found[0].id)
    for position, step_status in enumerate(steps):
        await insert_step(database, run_id, position, step_status)
    show = "UPDATE deals SET latest_run_id = :run_id, status = CAST(:status AS run_status) WHERE id = :deal_id"
    await database.run(text(show), {"run_id": run_id, "status": status, "deal_id": deal_id})
    return run_id


async def insert_step(database: Database, run_id: int, position: int, status: StepStatus, **columns: Any) -> None:
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


async def insert_queued_deal(database: Database, **columns: Any) -> int:
    deal_id = await insert_deal(database, **columns)
    await insert_run(database, deal_id, RunStatus.QUEUED)
    return deal_id


async def insert_running_deal(database: Database, **columns: Any) -> int:
    """RUNNING in its second stage."""
    deal_id = await insert_deal(database, **columns)
    await insert_run(database, deal_id, RunStatus.RUNNING, (StepStatus.DONE, StepStatus.RUNNING))
    return deal_id


async def insert_retrying_deal(database: Database, **columns: Any) -> int:
    """Its second stage has failed once and will be retried."""
    deal_id = await insert_deal(database, **columns)
    run_id = await insert_run(
        database, deal_id, RunStatus.RETRYING, (StepStatus.DONE,), next_attempt_at=MOMENT + timedelta(minutes=1)
    )
    error = {"error_type": "Timeout", "error_message": "HubSpot did not answer within 30 s."}
    await insert_step(database, run_id, 1, StepStatus.FAILED, **error)
    return deal_id


async def insert_twice_run_deal(database: Database, **columns: Any) -> int:
    """FAILED in its first run, DONE in its second."""
    deal_id = await insert_deal(database, **columns)
    await insert_run(database, deal_id, RunStatus.FAILED, (StepStatus.DONE, StepStatus.FAILED))
    await insert_run(database, deal_id, RunStatus.DONE, ALL_DONE, number=2, trigger="RETRY")
    return deal_id


async def insert_full_queue(database: Database, count: int) -> None:
    """`count` deals, each with two runs whose steps are all DONE."""
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
