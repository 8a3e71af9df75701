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
from core.failures import forget_failure
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
from pipeline.worker.identity import take_identity
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


async def run_worker(settings: Settings, *, stages: Sequence[Stage] = STAGES) -> None:
    """Process deals until SIGTERM or SIGINT; then each run is requeued when its current stage has ended."""
    stop, opened = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(_work(settings, stages, stop, opened))

    def request_stop() -> None:
        stop.set()
        if not opened.is_set():  # it may wait for the database without end, and has nothing to drain
            work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, request_stop)
    await asyncio.wait({work})
    if not work.cancelled():
        work.result()


async def _work(settings: Settings, stages: Sequence[Stage], stop: asyncio.Event, opened: asyncio.Event) -> None:
    async with _opened(settings, stages, stop) as (workers, runner):
        opened.set()
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
async def _opened(
    settings: Settings, stages: Sequence[Stage], stop: asyncio.Event
) -> AsyncIterator[tuple[list[Worker], Runner]]:
    # Settings first: a wrong one must be reported before the worker waits for the database.
    database = _database(settings)
    stage_settings = StageSettings(rulebook=load_rulebook(settings.rules_file), write_back=settings.write_back)
    runs = RunStore(database, lease_seconds=settings.lease_seconds)
    hubspot = HubSpot(settings.hubspot_url(), settings_token(settings), SharedBudget(database, for_jobs=True))
    app = make_app(settings.database(), settings=database.settings)
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        # Before anything that takes time, so that other workers can process these runs at once.
        identity = await take_identity(runs, settings)
        async with (
            watched(database, settings.watchdog_seconds),
            app.open_async(),
            pausable(app, database, runs) as jobs,
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
                worker=identity.name,
                incarnation=identity.incarnation,
                paused=lambda: jobs.paused,
            )
            app.task(name=TASK, queue=QUEUE)(runner.process)
            workers = _queue_workers(app, settings)
            async with sending_heartbeats(
                database, runs, identity, workers, seconds=HEARTBEAT_SECONDS, on_name_lost=stop.set
            ):
                await forget_failure(database, "worker")
                log.info("worker.started", worker=identity.name, released=identity.released)
                yield workers, runner
    finally:
        await database.close()
    log.info("worker.stopped")


def _database(settings: Settings) -> Database:
    connections = min(settings.worker_concurrency + 3, MOST_CONNECTIONS)
    return Database.connect(settings.database(), name="worker", pool_size=connections, direct_size=connections)


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
