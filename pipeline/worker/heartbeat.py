"""A worker's heartbeat. It shows that the worker is alive, and which jobs its dead incarnation had fetched."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from procrastinate.worker import Worker
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from pipeline.runs.store import RunStore
from pipeline.worker.identity import Identity

log = structlog.get_logger()

# Between heartbeats until Procrastinate has registered all of its workers.
REGISTRATION_SECONDS = 0.05

_STOPPED = text("UPDATE workers SET stopped_at = clock_timestamp() WHERE name = :name AND incarnation = :incarnation")


@asynccontextmanager
async def sending_heartbeats(
    database: Database,
    runs: RunStore,
    identity: Identity,
    workers: Sequence[Worker],
    *,
    seconds: float,
    on_name_lost: Callable[[], None],
) -> AsyncIterator[None]:
    """Inside the block, send a heartbeat of the worker every `seconds`; at its end, record that it stopped.

    `on_name_lost` is called when another worker has taken the name, because this one was frozen or disconnected.
    """
    task = asyncio.create_task(_send_heartbeats(runs, identity, workers, seconds, on_name_lost))
    try:
        yield
    finally:
        task.cancel()
    try:
        await database.run(_STOPPED, {"name": identity.name, "incarnation": identity.incarnation})
    except DatabaseUnavailable as error:
        log.warning("worker.stop_not_recorded", error=str(error))


async def _send_heartbeats(
    runs: RunStore, identity: Identity, workers: Sequence[Worker], seconds: float, on_name_lost: Callable[[], None]
) -> None:
    is_ours = True
    while True:
        registered = [worker.worker_id for worker in workers if worker.worker_id is not None]
        try:
            was_ours, is_ours = (
                is_ours,
                await runs.record_heartbeat(
                    worker=identity.name, incarnation=identity.incarnation, queue_workers=registered
                ),
            )
        except DatabaseUnavailable as error:
            log.warning("worker.heartbeat_not_recorded", error=str(error))
        else:
            if was_ours and not is_ours:
                log.error("worker.name_lost", worker=identity.name, reason="another worker has the same name")
                on_name_lost()
        await asyncio.sleep(seconds if len(registered) == len(workers) else REGISTRATION_SECONDS)
