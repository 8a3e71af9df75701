"""The worker's composition root: creates and closes everything that `process_deal` needs."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from procrastinate import App
from procrastinate.worker import Worker

from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.entry import process_name
from core.settings import Settings
from core.watchdog import watched
from crm.budget.shared import SharedBudget
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.token import settings_token
from migrations.head import HEAD_REVISION
from models.conditions import HEARTBEAT_SECONDS, QUARANTINE, QUEUE, STALE_HEARTBEAT_SECONDS, TASK
from pipeline.queue import make_app
from pipeline.rulebook import load_rulebook
from pipeline.runs.store import RunStore
from pipeline.stages import STAGES
from pipeline.stages.stage import Stage, StageSettings
from pipeline.worker.heartbeat import sending_heartbeats
from pipeline.worker.pausing import pausable
from pipeline.worker.readiness import check_account
from pipeline.worker.runner import Runner

log = structlog.get_logger()

# After a lost wake-up (an event cleared after an empty fetch) a job waits for the next poll: 1 s, not the default 5.
POLL_SECONDS = 1.0
# Below supervisord's stopwaitsecs (28): a stage that has not ended by then is interrupted and its run is requeued.
GRACE_SECONDS = 24.0
# Of each of the database's two pools: one for the searches and batches of stages, one for claims, moves, checks and
# look-ups by a key. A run uses a connection of each for an instant at a time.
MOST_CONNECTIONS = 8


def worker_name(settings: Settings) -> str:
    """A worker that restarts under the same name requeues at once what it held when it died."""
    return settings.worker_name or process_name("worker")


async def run_worker(settings: Settings, *, stages: Sequence[Stage] = STAGES) -> None:
    """Process deals until SIGTERM or SIGINT; then each run is requeued when its current stage has ended."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _opened(settings, stages) as (workers, runner):
        running = [asyncio.create_task(worker.run()) for worker in workers]
        stopping = asyncio.create_task(stop.wait())
        # A worker also ends when it cannot replace a lost connection.
        await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker.stopping")
        runner.drain()
        for worker in workers:
            worker.stop()
        stopping.cancel()
        await asyncio.gather(*running)


@asynccontextmanager
async def _opened(settings: Settings, stages: Sequence[Stage]) -> AsyncIterator[tuple[list[Worker], Runner]]:
    # Settings first: a wrong one must be reported before the worker waits for the database.
    name, url = worker_name(settings), settings.database()
    stage_settings = StageSettings(rulebook=load_rulebook(settings.rules_file), write_back=settings.write_back)
    connections = min(settings.worker_concurrency + 3, MOST_CONNECTIONS)
    database = Database.connect(url, name="worker", pool_size=connections, direct_size=connections)
    runs = RunStore(database, lease_seconds=settings.lease_seconds)
    hubspot = HubSpot(settings.hubspot_url(), settings_token(settings), SharedBudget(database, for_jobs=True))
    app = make_app(url)
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        # Before anything that takes time, so that other workers can process these runs at once.
        released = await runs.release_own(name)
        async with (
            watched(database, settings.watchdog_seconds),
            app.open_async(),
            pausable(app, database) as jobs,
            hubspot as crm,
        ):
            catalog = Catalog(crm, SystemClock())
            await check_account(catalog, stage_settings)
            runner = Runner(
                database=database,
                runs=runs,
                stages=[stage.with_settings(stage_settings) for stage in stages],
                crm=crm,
                catalog=catalog,
                clock=SystemClock(),
                worker=name,
                paused=lambda: jobs.paused,
            )
            app.task(name=TASK, queue=QUEUE)(runner.process)
            workers = _queue_workers(app, settings)
            async with sending_heartbeats(database, runs, name, workers, seconds=HEARTBEAT_SECONDS):
                log.info("worker.started", worker=name, released=released)
                yield workers, runner
    finally:
        await database.close()
    log.info("worker.stopped")


def _queue_workers(app: App, settings: Settings) -> list[Worker]:
    """One for the queue, and one for the quarantine, which processes one suspected run at a time."""
    queue_worker = partial(
        Worker,
        app=app,
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALE_HEARTBEAT_SECONDS,
        shutdown_graceful_timeout=GRACE_SECONDS,
        # Runs and steps hold the history, failures included; the queue stays small.
        delete_jobs="always",
        install_signal_handlers=False,
    )
    return [
        queue_worker(queues=[QUEUE], concurrency=settings.worker_concurrency),
        queue_worker(queues=[QUARANTINE], concurrency=1, listen_notify=False),
    ]
