"""A worker's heartbeat shows that it is alive, and which queue workers are its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from procrastinate.worker import Worker
from structlog.testing import capture_logs

from core.database import Database
from core.errors import DatabaseUnavailable
from core.settings import Settings
from pipeline.runs.store import RunStore
from pipeline.worker.heartbeat import sending_heartbeats
from pipeline.worker.identity import take_identity
from tests.factories import one, rows, run_store

NAME = "worker@test"
NAMED = Settings(worker_name=NAME)


class QueueWorker:
    """Procrastinate gives it an id when it registers it."""

    worker_id: int | None = None


async def until(database: Database, sql: str) -> None:
    async with asyncio.timeout(5):
        while not await rows(database, sql):  # noqa: ASYNC110 - a row of another task's
            await asyncio.sleep(0.02)


@asynccontextmanager
async def heartbeats(
    database: Database, runs: RunStore, workers: Sequence[Worker] = (), *, seconds: float = 0.02
) -> AsyncIterator[list[str]]:
    """Of a worker that has just taken its name; yields what it does when it has lost the name."""
    done: list[str] = []
    identity = await take_identity(runs, NAMED)
    async with sending_heartbeats(
        database, runs, identity, workers, seconds=seconds, on_name_lost=lambda: done.append("stop")
    ):
        yield done


async def test_the_queue_workers_are_recorded_as_soon_as_they_are_registered(database: Database) -> None:
    """Long before the next regular heartbeat: a restart finds the fetched jobs by them."""
    queue_workers = [QueueWorker(), QueueWorker()]
    workers = cast("list[Worker]", queue_workers)
    async with heartbeats(database, run_store(database), workers, seconds=60):
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
        async with heartbeats(database, runs):
            await until(database, "SELECT 1 FROM workers WHERE stopped_at IS NULL")
            incarnations.add(await one(database, "SELECT incarnation FROM workers"))
        assert await one(database, "SELECT stopped_at >= started_at FROM workers")
    assert len(incarnations) == 2


async def test_an_unavailable_database_does_not_end_the_heartbeat(database: Database) -> None:
    """The next one is sent as if nothing had happened."""
    outages = [DatabaseUnavailable("no connection")] * 2

    class FailingRuns(RunStore):
        async def record_heartbeat(self, *, worker: str, incarnation: str, queue_workers: Sequence[int]) -> bool:
            if outages:
                raise outages.pop()
            return await super().record_heartbeat(worker=worker, incarnation=incarnation, queue_workers=queue_workers)

    with capture_logs() as logs:
        async with heartbeats(database, FailingRuns(database, lease_seconds=15)):
            await until(database, "SELECT 1 FROM workers WHERE heartbeat_at > started_at")
    assert [entry["event"] for entry in logs] == ["worker.heartbeat_not_recorded"] * 2


async def test_a_worker_whose_name_another_one_has_taken_stops_and_leaves_the_name(database: Database) -> None:
    """It was frozen with its machine for so long that it counted as dead. It stops once, not with each heartbeat."""
    runs = run_store(database)
    with capture_logs() as logs:
        async with heartbeats(database, runs) as done:
            await rows(database, "UPDATE workers SET incarnation = 'other', process = 'elsewhere' RETURNING name")
            async with asyncio.timeout(5):
                while not done:  # noqa: ASYNC110 - set by the heartbeat
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
    assert (done, [entry["event"] for entry in logs]) == (["stop"], ["worker.name_lost"])
    assert await rows(database, "SELECT incarnation, stopped_at FROM workers") == [
        {"incarnation": "other", "stopped_at": None}
    ]
