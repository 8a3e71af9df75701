"""A worker of the tests' own: the product's runner and queue, with a fuse at every commit boundary."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
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
from models.conditions import QUARANTINE, QUEUE, TASK
from pipeline.queue import make_app
from pipeline.runs import transition
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore
from pipeline.runs.transition import Moved, Transition
from pipeline.worker import outcome
from pipeline.worker.heartbeat import sending_heartbeats
from pipeline.worker.runner import Runner
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


class InstrumentedRuns(RunStore):
    """The product's own statements, each between two fuses."""

    def __init__(self, database: Database, plan: Plan) -> None:
        super().__init__(database, lease_seconds=plan.lease_seconds)
        self._fuse = Fuse(plan.crash_at, plan.spared)

    def at(self, point: str) -> None:
        self._fuse.at(point)

    async def claim(self, deal_id: int, *, worker: str) -> Lease | None:
        self.at("claim:before")
        lease = await self._dying_at("claim:inside").claim(deal_id, worker=worker)
        self.at("claim:after")
        return lease

    async def move(self, lease: Lease, to: Transition) -> Moved:
        moved = await self._dying_at(f"{_point(lease, to)}:inside").move(lease, to)
        self.at(f"{_point(lease, to)}:after")
        return moved

    def _dying_at(self, point: str) -> RunStore:
        where = Uncommitted(self._database) if self._fuse.planned(point) else self._database
        return RunStore(where, lease_seconds=self.lease_seconds)

    async def _move_in(self, session: AsyncSession, lease: Lease, to: Transition) -> Moved:
        moved = await super()._move_in(session, lease, to)
        self.at(f"{_point(lease, to)}:after")
        return moved

    async def _queue_job(self, session: AsyncSession, lease: Lease) -> None:
        await super()._queue_job(session, lease)
        self.at("retry:inside")

    async def renew(self, lease: Lease) -> None:
        await super().renew(lease)
        self.at("renew:after")


class UnfencedRuns(InstrumentedRuns):
    """Asks for no epoch and no state when it moves a run, and never checks its lease: the product cannot."""

    async def move(self, lease: Lease, to: Transition) -> Moved:
        moved = transition.moved(lease, to, await self._database.fetch(UNFENCED_MOVE, self._values(lease, to)))
        self.at(f"{_point(lease, to)}:after")
        return moved

    async def _move_in(self, session: AsyncSession, lease: Lease, to: Transition) -> Moved:
        result = await session.execute(UNFENCED_MOVE.text, self._values(lease, to))
        moved = transition.moved(lease, to, result.mappings().all())
        self.at(f"{_point(lease, to)}:after")
        return moved

    def _values(self, lease: Lease, to: Transition) -> dict[str, object]:
        return transition.move_values(lease, to, self.lease_seconds)

    async def renew(self, _: Lease) -> None:
        self.at("renew:after")

    async def check(self, _: Lease) -> None:
        pass


def _point(lease: Lease, to: Transition) -> str:
    return f"end:{lease.stages[to.end.position]}" if to.end else f"begin:{lease.stages[to.begin or 0]}"


def _unfenced(sql: str) -> Statement:
    for fence, without in ((FENCE, "r.id = :run_id"), (SECOND_FENCE, "((")):
        assert fence in sql, "the fence is written otherwise now: the control would prove nothing"
        sql = sql.replace(fence, without)
    return Statement(sql)


UNFENCED_MOVE = _unfenced(transition.MOVE.text.text)


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
    with patch.object(outcome, "DATABASE_RETRY_SECONDS", plan.database_retry_seconds):
        asyncio.run(_work(plan))


async def _work(plan: Plan) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _opened(plan) as (database, app):
        runs = (InstrumentedRuns if plan.fenced else UnfencedRuns)(database, plan)
        runner = _runner(plan, runs, database)

        async def process_deal(deal_id: int) -> None:
            await runner.process(deal_id)
            runs.at("returned")

        app.task(name=TASK, queue=QUEUE)(process_deal)
        await runs.release_own(plan.name)
        workers = _workers(plan, app)
        if plan.loses_wake_ups:
            lose_wake_ups(app, workers[0])
        async with sending_heartbeats(database, runs, plan.name, workers, seconds=HEARTBEAT_SECONDS):
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


def _runner(plan: Plan, runs: InstrumentedRuns, database: Database) -> Runner:
    return Runner(
        database=database,
        runs=runs,
        stages=planned_stages(plan, runs.at),
        crm=NO_HUBSPOT,
        catalog=NO_CATALOG,
        clock=MovedClock(plan.clock_moved_hours),
        worker=plan.name,
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
