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

log = structlog.get_logger()

# Until Procrastinate has given its workers their numbers.
SOON_SECONDS = 0.05

# Whoever is thought to have crashed and says this has not: a frozen process, or a database that was out of reach.
_BEAT = text("""
WITH innocent AS (
    DELETE FROM run_crashes WHERE worker = :name AND incarnation = :incarnation RETURNING run_id
), acquitted AS (
    UPDATE pipeline_runs AS r SET crashes = greatest(r.crashes - i.n, 0)
    FROM (SELECT run_id, count(*) AS n FROM innocent GROUP BY run_id) AS i WHERE r.id = i.run_id AND r.ended_at IS NULL
)
INSERT INTO workers AS w (name, incarnation, queue_workers) VALUES (:name, :incarnation, :queue_workers)
ON CONFLICT (name) DO UPDATE
SET incarnation = excluded.incarnation, queue_workers = excluded.queue_workers, heartbeat_at = clock_timestamp(),
    started_at = CASE WHEN w.incarnation = excluded.incarnation THEN w.started_at ELSE clock_timestamp() END,
    stopped_at = NULL
""")

_STOPPED = text("UPDATE workers SET stopped_at = clock_timestamp() WHERE name = :name AND incarnation = :incarnation")


@asynccontextmanager
async def beating(database: Database, name: str, workers: Sequence[Worker], *, seconds: float) -> AsyncIterator[None]:
    """Inside the block the worker of this name gives a sign of life every so many seconds."""
    incarnation = uuid.uuid4().hex
    task = asyncio.create_task(_beat(database, name, incarnation, workers, seconds))
    try:
        yield
    finally:
        task.cancel()
    try:
        await database.run(_STOPPED, {"name": name, "incarnation": incarnation})
    except DatabaseUnavailable as error:
        log.warning("worker.not_signed_off", error=str(error))


async def _beat(database: Database, name: str, incarnation: str, workers: Sequence[Worker], seconds: float) -> None:
    while True:
        numbers = [worker.worker_id for worker in workers if worker.worker_id is not None]
        try:
            await database.run(_BEAT, {"name": name, "incarnation": incarnation, "queue_workers": numbers})
        except DatabaseUnavailable as error:
            log.warning("worker.no_heartbeat", error=str(error))
        await asyncio.sleep(seconds if len(numbers) == len(workers) else SOON_SECONDS)
