"""Stages that only tests have, and a runner that takes real deals through them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from pydantic import BaseModel

from core.clock import SystemClock
from core.database import Database
from crm.catalog import Catalog
from crm.client import HubSpot
from models.stages import StageName, StageNames, dump_stages
from pipeline.runs.store import RunStore
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.worker.runner import Runner
from tests.factories import WORKER, queued_deal, rows, run_store

Work = Callable[[StageContext], Awaitable[None]]
NO_HUBSPOT = cast("HubSpot", None)
NO_CATALOG = cast("Catalog", None)


class Output(BaseModel):
    key: str


def stage(key: str, work: Work | None = None, **options: Any) -> Stage:
    """A stage that does `work`, then stores its own idempotency key."""

    async def run(context: StageContext) -> StageResult:
        if work is not None:
            await work(context)
        return StageResult(Output(key=context.idempotency_key))

    return Stage(key=key, label=key.capitalize(), run=run, **options)


class Hanging:
    """The work of a stage that never ends by itself; `begun` is set when it has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __call__(self, _: StageContext) -> None:
        self.begun.set()
        await asyncio.Event().wait()


def frozen(*keys: str) -> StageNames:
    return tuple(StageName(key, key) for key in keys)


def runner(
    database: Database,
    *stages: Stage,
    lease_seconds: float = 15,
    runs: RunStore | None = None,
    paused: Callable[[], bool] = lambda: False,
) -> Runner:
    return Runner(
        database=database,
        runs=runs or run_store(database, lease_seconds),
        stages=stages,
        crm=NO_HUBSPOT,
        catalog=NO_CATALOG,
        clock=SystemClock(),
        worker=WORKER,
        paused=paused,
    )


async def deal_with(database: Database, *keys: str) -> int:
    """A QUEUED deal whose run is frozen to these stages."""
    deal_id = await queued_deal(database)
    await rows(database, f"UPDATE pipeline_runs SET stages = '{dump_stages(frozen(*keys))}' RETURNING id")
    return deal_id


async def run_state(database: Database) -> dict[str, Any]:
    found = await rows(
        database,
        """SELECT r.status, r.reason, d.status AS deal, d.current_stage AS stage,
           coalesce((SELECT jsonb_agg(s.status || ' ' || s.attempts ORDER BY s.position) FROM steps s
                     WHERE s.run_id = r.id), '[]') AS steps
           FROM pipeline_runs r JOIN deals d ON d.id = r.deal_id""",
    )
    return found[0]
