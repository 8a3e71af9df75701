"""A worker's heartbeat. It shows that the worker is alive, and which jobs its dead incarnation had fetched."""

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

# Between heartbeats until Procrastinate has registered all of its workers.
REGISTRATION_SECONDS = 0.05

_STOPPED = text("UPDATE workers SET stopped_at = clock_timestamp() WHERE name = :name AND incarnation = :incarnation")


@asynccontextmanager
async def sending_heartbeats(
    database: Database, runs: RunStore, name: str, workers: Sequence[Worker], *, seconds: float
) -> AsyncIterator[None]:
    """Inside the block, send a heartbeat of the worker `name` every `seconds`; at its end, record that it stopped."""
    incarnation = uuid.uuid4().hex
    task = asyncio.create_task(_send_heartbeats(runs, name, incarnation, workers, seconds))
    try:
        yield
    finally:
        task.cancel()
    try:
        await database.run(_STOPPED, {"name": name, "incarnation": incarnation})
    except DatabaseUnavailable as error:
        log.warning("worker.stop_not_recorded", error=str(error))


async def _send_heartbeats(
    runs: RunStore, name: str, incarnation: str, workers: Sequence[Worker], seconds: float
) -> None:
    while True:
        registered = [worker.worker_id for worker in workers if worker.worker_id is not None]
        try:
            await runs.record_heartbeat(worker=name, incarnation=incarnation, queue_workers=registered)
        except DatabaseUnavailable as error:
            log.warning("worker.heartbeat_not_recorded", error=str(error))
        await asyncio.sleep(seconds if len(registered) == len(workers) else REGISTRATION_SECONDS)
