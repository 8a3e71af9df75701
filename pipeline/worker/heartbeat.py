"""A worker's signs of life: by them others see that it lives, and a restart what its dead incarnation had fetched."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from procrastinate.worker import Worker
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs.store import RunStore

log = structlog.get_logger()

# Until Procrastinate has given its workers their numbers.
SOON_SECONDS = 0.05

_STOPPED = text("UPDATE workers SET stopped_at = clock_timestamp() WHERE name = :name AND incarnation = :incarnation")


@asynccontextmanager
async def beating(
    database: Database, runs: RunStore, name: str, workers: Sequence[Worker], *, seconds: float
) -> AsyncIterator[None]:
    """Inside the block the worker of this name gives a sign of life every so many seconds."""
    incarnation = uuid.uuid4().hex
    task = asyncio.create_task(_beat(runs, name, incarnation, workers, seconds))
    try:
        yield
    finally:
        task.cancel()
    try:
        await database.run(_STOPPED, {"name": name, "incarnation": incarnation})
    except DatabaseUnavailable as error:
        log.warning("worker.not_signed_off", error=str(error))


async def _beat(runs: RunStore, name: str, incarnation: str, workers: Sequence[Worker], seconds: float) -> None:
    while True:
        numbers = [worker.worker_id for worker in workers if worker.worker_id is not None]
        try:
            await runs.beat(worker=name, incarnation=incarnation, queue_workers=numbers)
        except DatabaseUnavailable as error:
            log.warning("worker.no_heartbeat", error=str(error))
        await asyncio.sleep(seconds if len(numbers) == len(workers) else SOON_SECONDS)
