"""The worker's composition root: everything that `process_deal` needs, built here and ended here."""

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
from pipeline.worker.heartbeat import beating
from pipeline.worker.pausing import pausable
from pipeline.worker.readiness import check_account
from pipeline.worker.runner import Runner

log = structlog.get_logger()

# A lost wake-up (an event cleared after an empty fetch) waits for the next poll: 1 s at most, not the default 5.
POLL_SECONDS = 1.0
# Below supervisord's stopwaitsecs (28): a stage that has not ended by then is interrupted and goes back to the queue.
GRACE_SECONDS = 24.0
# Each run uses one connection for an instant at a time: of these for what its stages ask, of as many for its moves.
MOST_CONNECTIONS = 8


def worker_name(settings: Settings) -> str:
    """By it a worker takes back at once what it held when it died."""
    return settings.worker_name or process_name("worker")


async def run_worker(settings: Settings, *, stages: Sequence[Stage] = STAGES) -> None:
    """Process deals until SIGTERM or SIGINT; then each run ends its present stage and goes back to the queue."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _working(settings, stages) as (workers, runner):
        running = [asyncio.create_task(worker.run()) for worker in workers]
        stopping = asyncio.create_task(stop.wait())
        # A worker also ends when one of its connections cannot be had any more.
        await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker.stopping")
        runner.drain()
        for worker in workers:
            worker.stop()
        stopping.cancel()
        await asyncio.gather(*running)


@asynccontextmanager
async def _working(settings: Settings, stages: Sequence[Stage]) -> AsyncIterator[tuple[list[Worker], Runner]]:
    # Settings first: a wrong one must be told before the database is waited for.
    name, url = worker_name(settings), settings.database()
    stage_settings = StageSettings(rulebook=load_rulebook(settings.rules_file), write_back=settings.write_back)
    connections = min(settings.worker_concurrency + 3, MOST_CONNECTIONS)
    database = Database.connect(url, name="worker", pool_size=connections, direct_size=connections)
    runs = RunStore(database, lease_seconds=settings.lease_seconds)
    hubspot = _hubspot(settings, database)
    app = make_app(url)
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        # Before anything that takes time: others may go on with these runs at once.
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
            async with beating(database, runs, name, workers, seconds=HEARTBEAT_SECONDS):
                log.info("worker.started", worker=name, released=released)
                yield workers, runner
    finally:
        await database.close()
    log.info("worker.stopped")


def _queue_workers(app: App, settings: Settings) -> list[Worker]:
    """One for the queue, one for the runs that may kill their worker, which takes them one at a time."""
    everyone = partial(
        Worker,
        app=app,
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALE_HEARTBEAT_SECONDS,
        shutdown_graceful_timeout=GRACE_SECONDS,
        # History lives in runs and steps, of failures too; the queue stays small.
        delete_jobs="always",
        install_signal_handlers=False,
    )
    return [
        everyone(queues=[QUEUE], concurrency=settings.worker_concurrency),
        everyone(queues=[QUARANTINE], concurrency=1, listen_notify=False),
    ]


def _hubspot(settings: Settings, database: Database) -> HubSpot:
    return HubSpot(settings.hubspot_url(), settings_token(settings), SharedBudget(database, for_jobs=True))
