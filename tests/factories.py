"""Rows named after the state they are in, made through the product's own statements wherever there is one."""

import hashlib
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.intake import IntakeRules, PageCounts, store_page
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore
from pipeline.runs.synced_deal import SyncedDeal
from pipeline.runs.transition import StepEnd, Transition

STAGES = ("fetch", "validate", "associate", "deduplicate", "score", "write_back")
STAGES_JSON = orjson.dumps([{"key": key, "label": key.replace("_", " ").capitalize()} for key in STAGES]).decode()
RULES = IntakeRules(stages=STAGES_JSON)
MODIFIED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LEASE_SECONDS = 12.0
WORKER = "worker@test"

_numbers = itertools.count(1)


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
    """Store the page, asked for now, in a transaction of its own."""
    async with database.write() as session:
        return await store_page(session, rows, rules, **{"read_at": datetime.now(UTC), **options})


async def queued_deal(database: Database, **changes: Any) -> int:
    """A deal with its NEW run QUEUED and its job in the queue; the deal's id."""
    row = deal_row(**changes)
    await store(database, row)
    return int(await one(database, "SELECT id FROM deals WHERE hubspot_deal_id = :id", id=row.hubspot_deal_id))


async def running_deal(database: Database, *, lease_seconds: float = LEASE_SECONDS) -> Lease:
    """A deal whose run is claimed and in its first stage."""
    lease = await run_store(database, lease_seconds).claim(await queued_deal(database), worker=WORKER)
    assert lease is not None
    await run_store(database, lease_seconds).move(lease, Transition(begin=0))
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
    """A deal that went through all stages."""
    lease = await running_deal(database)
    for position in range(len(lease.stages)):
        await finish_step(database, lease, position)
    return lease


async def expire(database: Database, lease: Lease) -> None:
    """The worker of this run gives no sign of life any more."""
    statement = "UPDATE pipeline_runs SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"
    await database.run(text(statement), {"id": lease.run_id})


async def rows(database: Database, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await database.run(text(sql), parameters)]


async def one(database: Database, sql: str, **parameters: Any) -> Any:
    """The only value of the only row."""
    found = await rows(database, sql, **parameters)
    assert len(found) == 1, f"{len(found)} rows"
    return next(iter(found[0].values()))
