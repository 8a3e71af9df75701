"""A deal's status, its steps and its runs never contradict each other, whoever writes meanwhile."""

import asyncio
from collections import Counter
from typing import Any

from core.database import Database
from models import RunStatus, StepStatus
from pipeline.runs.transition import StepEnd, Transition
from tests import factories
from tests.factories import WORKER, run_store
from tests.graphql.asking import Asker

DEALS = 4
ROUNDS = 4

DOCUMENT = """
{ dealQueue(limit: 200) { items {
  status currentStage steps { stage status output } runs { status steps { stage status output } }
} } }
"""
# Which statuses of steps can stand beside the status of their run.
ALLOWED = {
    "QUEUED": {"DONE", "PENDING"},
    "RUNNING": {"DONE", "PENDING", "RUNNING", "FAILED"},
    "RETRYING": {"DONE", "PENDING", "FAILED"},
    "DONE": {"DONE"},
    "FAILED": {"DONE", "PENDING", "FAILED"},
}


async def process(database: Database) -> None:
    """A deal is taken up, loses its worker, fails once, then goes through all its stages: by the product's writers."""
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
    """Of one deal in one answer."""
    statuses = [step["status"] for step in item["steps"]]
    assert set(statuses) <= ALLOWED[item["status"]], item
    assert statuses.count("RUNNING") <= 1, item
    # The stages go in order: nothing has begun behind a stage that is not done.
    begun = [status for status in statuses if status != "PENDING"]
    assert set(begun[:-1]) <= {"DONE"}, item
    assert all((step["output"] is None) or step["status"] == "DONE" for step in item["steps"]), item
    assert item["runs"][0] == {"status": item["status"], "steps": item["steps"]}
    if "RUNNING" in statuses:
        assert item["currentStage"] == item["steps"][statuses.index("RUNNING")]["stage"]


async def test_no_answer_contradicts_itself_under_concurrent_writers(ask: Asker, database: Database) -> None:
    """Four writers take deals through every state while the queue is read over and over."""
    seen: Counter[str] = Counter()

    async def write() -> None:
        for _ in range(ROUNDS):
            await process(database)

    writers = [asyncio.create_task(write()) for _ in range(DEALS)]
    while not all(writer.done() for writer in writers):
        for item in (await ask(DOCUMENT))["dealQueue"]["items"]:
            check(item)
            seen[item["status"]] += 1
    await asyncio.gather(*writers)
    assert {"RUNNING", "DONE"} <= seen.keys()
    assert seen.total() > 100
