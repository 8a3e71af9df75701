"""A worker's heartbeat shows that it is alive, and which queue workers are its own."""

import asyncio
from collections.abc import Sequence
from typing import cast

from procrastinate.worker import Worker
from structlog.testing import capture_logs

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs.store import RunStore
from pipeline.worker.heartbeat import sending_heartbeats
from tests.factories import one, rows, run_store

NAME = "worker@test"


class QueueWorker:
    """Procrastinate gives it an id when it registers it."""

    worker_id: int | None = None


async def until(database: Database, sql: str) -> None:
    async with asyncio.timeout(5):
        while not await rows(database, sql):  # noqa: ASYNC110 - a row of another task's
            await asyncio.sleep(0.02)


async def test_the_queue_workers_are_recorded_as_soon_as_they_are_registered(database: Database) -> None:
    """Long before the next regular heartbeat: a restart finds the fetched jobs by them."""
    queue_workers = [QueueWorker(), QueueWorker()]
    workers = cast("list[Worker]", queue_workers)
    async with sending_heartbeats(database, run_store(database), NAME, workers, seconds=60):
        await until(database, "SELECT 1 FROM workers WHERE queue_workers = '{}'")
        for number, worker in enumerate(queue_workers, 7):
            worker.worker_id = number
        await until(database, "SELECT 1 FROM workers WHERE queue_workers = '{7,8}'")
        assert await one(database, "SELECT stopped_at FROM workers") is None


async def test_a_worker_that_stops_is_not_a_dead_one(database: Database) -> None:
    """The time is recorded; started again, it has another incarnation and has not stopped."""
    runs = run_store(database)
    incarnations = set()
    for _ in range(2):
        async with sending_heartbeats(database, runs, NAME, [], seconds=0.02):
            await until(database, "SELECT 1 FROM workers WHERE stopped_at IS NULL")
            incarnations.add(await one(database, "SELECT incarnation FROM workers"))
        assert await one(database, "SELECT stopped_at >= started_at FROM workers")
    assert len(incarnations) == 2


async def test_an_unavailable_database_does_not_end_the_heartbeat(database: Database) -> None:
    """The next one is sent as if nothing had happened."""
    outages = [DatabaseUnavailable("no connection")] * 2

    class FailingRuns(RunStore):
        async def record_heartbeat(self, *, worker: str, incarnation: str, queue_workers: Sequence[int]) -> None:
            if outages:
                raise outages.pop()
            await super().record_heartbeat(worker=worker, incarnation=incarnation, queue_workers=queue_workers)

    with capture_logs() as logs:
        async with sending_heartbeats(database, FailingRuns(database, lease_seconds=15), NAME, [], seconds=0.02):
            await until(database, "SELECT 1 FROM workers")
    assert [entry["event"] for entry in logs] == ["worker.heartbeat_not_recorded"] * 2
