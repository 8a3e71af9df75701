"""A deal's status, its steps and its runs never contradict each other in one response, under concurrent writers."""

import asyncio
from collections import Counter
from typing import Any

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.transition import StepEnd, Transition
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import WORKER, run_store

DEALS = 4
ROUNDS = 4

DOCUMENT = """
{ dealQueue(limit: 200) { items {
  status currentStage steps { stage status output } runs { status steps { stage status output } }
} } }
"""
# The statuses that steps can have, by the status of their run.
ALLOWED = {
    "QUEUED": {"DONE", "PENDING"},
    "RUNNING": {"DONE", "PENDING", "RUNNING", "FAILED"},
    "RETRYING": {"DONE", "PENDING", "FAILED"},
    "DONE": {"DONE"},
    "FAILED": {"DONE", "PENDING", "FAILED"},
}


async def process(database: Database) -> None:
    """By the product's statements: a deal is claimed, loses its worker, fails once, then ends every stage."""
    lease = await factories.running_deal(database)
    await factories.finish_step(database, lease, 0)
    await factories.expire(database, lease)
    await run_store(database).reap()
    lease = await _claimed(database, lease.deal_id)
    await run_store(database).move(lease, Transition(begin=1))
    failed = Transition(status=RunStatus.RETRYING, end=StepEnd(1, StepStatus.FAILED, error_type="E"), delay_seconds=0)
    await run_store(database).move(lease, failed)
    lease = await _claimed(database, lease.deal_id)
    await run_store(database).move(lease, Transition(begin=1))
    for position in range(1, len(lease.stages)):
        await factories.finish_step(database, lease, position)


async def _claimed(database: Database, deal_id: int) -> Any:
    lease = await run_store(database).claim(deal_id, worker=WORKER)
    assert lease is not None
    return lease


def check(item: dict[str, Any]) -> None:
    """One deal in one response."""
    statuses = [step["status"] for step in item["steps"]]
    assert set(statuses) <= ALLOWED[item["status"]], item
    assert statuses.count("RUNNING") <= 1, item
    # Stages run in order: none has begun after a stage that is not DONE.
    begun = [status for status in statuses if status != "PENDING"]
    assert set(begun[:-1]) <= {"DONE"}, item
    assert all((step["output"] is None) or step["status"] == "DONE" for step in item["steps"]), item
    assert item["runs"][0] == {"status": item["status"], "steps": item["steps"]}
    if "RUNNING" in statuses:
        assert item["currentStage"] == item["steps"][statuses.index("RUNNING")]["stage"]


async def test_no_response_contradicts_itself_under_concurrent_writers(
    graphql: GraphQLClient, database: Database
) -> None:
    """Four writers take deals through every state while the queue is read over and over."""
    seen: Counter[str] = Counter()

    async def write() -> None:
        for _ in range(ROUNDS):
            await process(database)

    writers = [asyncio.create_task(write()) for _ in range(DEALS)]
    while not all(writer.done() for writer in writers):
        for item in (await graphql(DOCUMENT))["dealQueue"]["items"]:
            check(item)
            seen[item["status"]] += 1
    await asyncio.gather(*writers)
    assert {"RUNNING", "DONE"} <= seen.keys()
    assert seen.total() > 100
