"""Deals of the sandbox in the queue, and the runner that takes them through the stages that make calls."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from core.clock import SystemClock
from core.database import Database
from crm.client import HubSpot
from crm.records import parse_deal
from pipeline.runs.intake import IntakeRules
from pipeline.stages.associate import STAGE as ASSOCIATE
from pipeline.stages.fetch.fetch import STAGE
from pipeline.worker.runner import Runner
from tests.factories import WORKER, deal_row, rows, run_store, store
from tests.hubspot import Sandbox, catalog
from tests.pipeline.staging import frozen

RULES = IntakeRules(stages=frozen(STAGE.key))
BOTH = IntakeRules(stages=frozen(STAGE.key, ASSOCIATE.key))


async def queue(database: Database, client: HubSpot, ids: Sequence[str], rules: IntakeRules = RULES) -> list[int]:
    """These deals as the sync stores them, each QUEUED for its fetch; their ids in the order of the queue."""
    deals = [parse_deal(raw) for raw in (await client.read_deals(ids)).records]
    await store(database, *(deal_row(deal.id, hubspot_modified_at=deal.modified_at) for deal in deals), rules=rules)
    return [row["deal_id"] for row in await rows(database, "SELECT deal_id FROM pipeline_runs ORDER BY id")]


def live(hubspot: Sandbox, count: int) -> list[str]:
    return [key for key, deal in hubspot.truth().items() if not deal["archived"]][:count]


async def process_all(database: Database, client: HubSpot, deal_ids: Sequence[int], workers: int = 8) -> None:
    """So many at a time, in the order of the queue."""
    runner = Runner(
        database=database,
        runs=run_store(database),
        stages=[STAGE, ASSOCIATE],
        crm=client,
        catalog=catalog(client),
        clock=SystemClock(),
        worker=WORKER,
    )
    waiting = iter(deal_ids)

    async def work() -> None:
        for deal_id in waiting:
            await runner.process(deal_id)

    await asyncio.gather(*(work() for _ in range(workers)))


async def outputs(database: Database) -> dict[tuple[str, str], dict[str, Any]]:
    """What the stages stored, by HubSpot's id and stage, without the time of reading."""
    found = await rows(
        database,
        """SELECT d.hubspot_deal_id AS id, s.stage, s.output - 'read_at' AS output
           FROM deals d JOIN steps s ON s.run_id = d.latest_run_id WHERE s.status = 'DONE'""",
    )
    return {(row["id"], row["stage"]): row["output"] for row in found}


def calls(sandbox: Sandbox) -> Counter[str]:
    """Answers that the sandbox has given so far, by route."""
    counted = httpx.get(f"{sandbox.url}/_sim/stats", timeout=10).json()["calls"]
    return Counter({route: sum(answers.values()) for route, answers in counted.items() if " /_sim" not in route})
