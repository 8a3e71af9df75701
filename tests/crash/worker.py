"""A worker of the tests' own: the product's runner and queue, with a fuse at every commit boundary."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from procrastinate import App
from procrastinate.worker import Worker
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.direct import Statement
from core.watchdog import watched
from pipeline import outcome
from pipeline.heartbeat import beating
from pipeline.queue import QUARANTINE, QUEUE, TASK, make_app
from pipeline.runner import Runner
from pipeline.runs import transition
from pipeline.runs.lease import Lease, claim, look, renew
from pipeline.runs.rescue import release_own
from pipeline.runs.transition import Moved, Transition, move, set_job
from pipeline.statements import Statements
from tests.crash.plan import Fuse, Plan, die
from tests.crash.stages import planned_stages
from tests.crash.wakeups import lose_wake_ups
from tests.pipeline.staging import NO_CATALOG, NO_HUBSPOT

HEARTBEAT_SECONDS = 0.3
STALLED_SECONDS = 1.0
FENCE = "r.id = :run_id AND r.epoch = :epoch AND r.status = 'RUNNING'"
# What would stop a step from being ended twice even so.
SECOND_FENCE = "(s.status = 'RUNNING' AND ("


class Uncommitted(Database):
    """Runs its one statement in a transaction and dies before the commit."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine, database._direct)

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[Mapping[str, Any]]:
        async with self.write() as session:
            await session.execute(statement.text, {name: values[name] for name in statement.names})
            die()
        raise AssertionError("still alive")


class Instrumented:
    """The product's own functions, each between two fuses."""

    def __init__(self, plan: Plan) -> None:
        self._fuse = Fuse(plan.crash_at, plan.spared)
        self._fenced = plan.fenced

    def at(self, point: str) -> None:
        self._fuse.at(point)

    async def claim(self, database: Database, deal_id: int, **options: Any) -> Lease | None:
        self.at("claim:before")
        where = Uncommitted(database) if self._fuse.planned("claim:inside") else database
        lease = await claim(where, deal_id, **options)
        self.at("claim:after")
        return lease

    async def move(self, where: Database | AsyncSession, lease: Lease, to: Transition, **options: Any) -> Moved:
        point = f"end:{lease.stages[to.end.position]}" if to.end else f"begin:{lease.stages[to.begin or 0]}"
        if isinstance(where, Database) and self._fuse.planned(f"{point}:inside"):
            where = Uncommitted(where)
        moved = await move(where, lease, to, **options)
        self.at(f"{point}:after")
        return moved

    async def set_job(self, session: AsyncSession, lease: Lease, job_id: int) -> None:
        await set_job(session, lease, job_id)
        self.at("retry:inside")

    async def renew(self, database: Database, lease: Lease, **options: Any) -> None:
        if self._fenced:
            await renew(database, lease, **options)
        self.at("renew:after")

    async def look(self, database: Database, lease: Lease) -> None:
        if self._fenced:
            await look(database, lease)

    @property
    def statements(self) -> Statements:
        """For the product's runner."""
        return Statements(claim=self.claim, move=self.move, set_job=self.set_job, renew=self.renew, look=self.look)


def fences(plan: Plan) -> AbstractContextManager[object]:
    """Unfenced, an advance asks for no epoch and no state inside the block: the product cannot."""
    if plan.fenced:
        return nullcontext()
    unfenced = transition._MOVE.text.text
    for fence, without in ((FENCE, "r.id = :run_id"), (SECOND_FENCE, "((")):
        assert fence in unfenced, "the fence is written otherwise now: the control would prove nothing"
        unfenced = unfenced.replace(fence, without)
    return patch.object(transition, "_MOVE", Statement(unfenced))


class MovedClock(SystemClock):
    def __init__(self, hours: float) -> None:
        self._by = timedelta(hours=hours)

    def now(self) -> datetime:
        return super().now() + self._by


def run_planned(plan: Plan) -> None:
    """The whole life of the process."""
    log = os.open(plan.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with fences(plan), patch.object(outcome, "REFUSED_LOOK_SECONDS", plan.refused_look_seconds):
        asyncio.run(_work(plan, Instrumented(plan)))


async def _work(plan: Plan, instrumented: Instrumented) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _opened(plan) as (database, app):
        runner = _runner(plan, instrumented, database, app)

        async def process_deal(deal_id: int) -> None:
            await runner.process(deal_id)
            instrumented.at("returned")

        app.task(name=TASK, queue=QUEUE)(process_deal)
        await release_own(database, plan.name, lease_seconds=plan.lease_seconds)
        workers = _workers(plan, app)
        if plan.loses_wake_ups:
            lose_wake_ups(app, workers[0])
        async with beating(database, plan.name, workers, seconds=HEARTBEAT_SECONDS):
            _say_ready(plan)
            await _until_stopped(stop, workers, runner)


async def _until_stopped(stop: asyncio.Event, workers: Sequence[Worker], runner: Runner) -> None:
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    runner.drain()
    for worker in workers:
        worker.stop()
    stopping.cancel()
    await asyncio.gather(*running)


def _say_ready(plan: Plan) -> None:
    Path(plan.ready).touch()


@asynccontextmanager
async def _opened(plan: Plan) -> AsyncIterator[tuple[Database, App]]:
    database = Database.connect(plan.database_url, name=plan.name, pool_size=2, direct_size=min(plan.concurrency, 8))
    app = make_app(plan.database_url)
    try:
        await wait_for_database(database, pause_seconds=0.1)
        async with watched(database, plan.watchdog_seconds), app.open_async():
            yield database, app
    finally:
        await database.close()


def _runner(plan: Plan, instrumented: Instrumented, database: Database, app: App) -> Runner:
    return Runner(
        database=database,
        app=app,
        stages=planned_stages(plan, instrumented.at),
        crm=NO_HUBSPOT,
        catalog=NO_CATALOG,
        clock=MovedClock(plan.clock_moved_hours),
        worker=plan.name,
        lease_seconds=plan.lease_seconds,
        statements=instrumented.statements,
    )


def _workers(plan: Plan, app: App) -> list[Worker]:
    """As the product's: one for the queue, one that takes the suspects one at a time."""
    everyone = partial(
        Worker,
        app=app,
        fetch_job_polling_interval=plan.poll_seconds,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        shutdown_graceful_timeout=plan.grace_seconds,
        delete_jobs="always",
        install_signal_handlers=False,
    )
    return [
        everyone(queues=[QUEUE], concurrency=plan.concurrency),
        everyone(queues=[QUARANTINE], concurrency=1, listen_notify=False),
    ]
