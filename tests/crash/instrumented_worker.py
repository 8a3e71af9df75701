"""A worker process for the tests: the product's runner and queue, with a crash point at every commit boundary."""

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

from core import logs
from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.direct import Statement
from core.settings import Settings
from core.watchdog import watched
from models.conditions import QUARANTINE, QUEUE, TASK
from pipeline.queue import make_app
from pipeline.runs import transition
from pipeline.runs.lease import Lease
from pipeline.runs.store import RunStore
from pipeline.runs.transition import Moved, Transition
from pipeline.worker import outcome
from pipeline.worker.heartbeat import sending_heartbeats
from pipeline.worker.identity import Identity, take_identity
from pipeline.worker.runner import Runner
from tests.crash.lost_wake_ups import lose_wake_ups
from tests.crash.planned_stages import planned_stages
from tests.crash.worker_plan import CrashPoint, WorkerPlan, kill_own_process
from tests.pipeline.staging import NO_CATALOG, NO_HUBSPOT

HEARTBEAT_SECONDS = 0.3
STALLED_SECONDS = 1.0
FENCE = "r.id = :run_id AND r.epoch = :epoch AND r.status = 'RUNNING'"
# Without the first fence this one would still keep a step from being ended twice.
SECOND_FENCE = "(s.status = 'RUNNING' AND ("


class DatabaseDyingBeforeCommit(Database):
    """Runs one statement in a transaction and kills the process before the commit."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.address, database.engine, database._direct, database.settings, database.renewal)

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> list[Mapping[str, Any]]:
        async with self.write() as session:
            await session.execute(statement.text, {name: values[name] for name in statement.names})
            kill_own_process()
        raise AssertionError("still alive")


class InstrumentedRunStore(RunStore):
    """The product's own statements, each between two crash points."""

    def __init__(self, database: Database, plan: WorkerPlan) -> None:
        super().__init__(database, lease_seconds=plan.lease_seconds)
        self._crash_point = CrashPoint(plan.crash_at)

    def reach(self, point: str) -> None:
        self._crash_point.reach(point)

    async def claim(self, deal_id: int, *, worker: str, incarnation: str | None = None) -> Lease | None:
        self.reach("claim:before")
        lease = await self._store_dying_at("claim:inside").claim(deal_id, worker=worker, incarnation=incarnation)
        self.reach("claim:after")
        return lease

    async def move(self, lease: Lease, to: Transition) -> Moved:
        moved = await self._store_dying_at(f"{_point(lease, to)}:inside").move(lease, to)
        self.reach(f"{_point(lease, to)}:after")
        return moved

    def _store_dying_at(self, point: str) -> RunStore:
        where = DatabaseDyingBeforeCommit(self._database) if self._crash_point.is_planned(point) else self._database
        return RunStore(where, lease_seconds=self.lease_seconds)

    async def _move_in(self, session: AsyncSession, lease: Lease, to: Transition) -> Moved:
        moved = await super()._move_in(session, lease, to)
        self.reach(f"{_point(lease, to)}:after")
        return moved

    async def _queue_job(self, session: AsyncSession, lease: Lease) -> None:
        await super()._queue_job(session, lease)
        self.reach("retry:inside")

    async def renew(self, lease: Lease) -> None:
        await super().renew(lease)
        self.reach("renew:after")


class UnfencedRunStore(InstrumentedRunStore):
    """Checks neither epoch nor status when it moves a run, and never checks its lease. The product cannot do this."""

    async def move(self, lease: Lease, to: Transition) -> Moved:
        moved = transition.moved(lease, to, await self._database.fetch(UNFENCED_MOVE, self._values(lease, to)))
        self.reach(f"{_point(lease, to)}:after")
        return moved

    async def _move_in(self, session: AsyncSession, lease: Lease, to: Transition) -> Moved:
        result = await session.execute(UNFENCED_MOVE.text, self._values(lease, to))
        moved = transition.moved(lease, to, result.mappings().all())
        self.reach(f"{_point(lease, to)}:after")
        return moved

    def _values(self, lease: Lease, to: Transition) -> dict[str, object]:
        return transition.move_values(lease, to, self.lease_seconds)

    async def renew(self, _: Lease) -> None:
        self.reach("renew:after")

    async def check(self, _: Lease) -> None:
        pass


def _point(lease: Lease, to: Transition) -> str:
    return f"end:{lease.stages[to.end.position]}" if to.end else f"begin:{lease.stages[to.begin or 0]}"


def _unfenced(sql: str) -> Statement:
    for fence, without in ((FENCE, "r.id = :run_id"), (SECOND_FENCE, "((")):
        assert fence in sql, "the statement's fence has changed: the test without it would prove nothing"
        sql = sql.replace(fence, without)
    return Statement(sql)


UNFENCED_MOVE = _unfenced(transition.MOVE.text.text)


class OffsetClock(SystemClock):
    def __init__(self, hours: float) -> None:
        self._offset = timedelta(hours=hours)

    def now(self) -> datetime:
        return super().now() + self._offset


def run_worker_process(plan: WorkerPlan) -> None:
    """Everything that the process does."""
    log = _broken_pipe() if plan.breaks_log else os.open(plan.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if plan.breaks_log:
        logs.configure("worker", Settings())
    with patch.object(outcome, "DATABASE_RETRY_SECONDS", plan.database_retry_seconds):
        asyncio.run(_work(plan))


def _broken_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


async def _work(plan: WorkerPlan) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _opened(plan) as (database, app):
        runs = (InstrumentedRunStore if plan.fenced else UnfencedRunStore)(database, plan)
        identity = await take_identity(runs, Settings(worker_name=plan.name))
        runner = _runner(plan, runs, database, identity)

        async def process_deal(deal_id: int) -> None:
            await runner.process(deal_id)
            runs.reach("returned")

        app.task(name=TASK, queue=QUEUE)(process_deal)
        workers = _workers(plan, app)
        if plan.loses_wake_ups:
            lose_wake_ups(app, workers[0])
        async with sending_heartbeats(
            database, runs, identity, workers, seconds=HEARTBEAT_SECONDS, on_name_lost=stop.set
        ):
            _report_ready(plan)
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


def _report_ready(plan: WorkerPlan) -> None:
    Path(plan.ready).touch()


@asynccontextmanager
async def _opened(plan: WorkerPlan) -> AsyncIterator[tuple[Database, App]]:
    database = Database.connect(plan.database_url, name=plan.name, pool_size=2, direct_size=min(plan.concurrency, 8))
    app = make_app(plan.database_url, settings=database.settings)
    try:
        await wait_for_database(database, pause_seconds=0.1)
        async with watched(database, plan.watchdog_seconds), app.open_async():
            yield database, app
    finally:
        await database.close()


def _runner(plan: WorkerPlan, runs: InstrumentedRunStore, database: Database, identity: Identity) -> Runner:
    return Runner(
        database=database,
        runs=runs,
        stages=planned_stages(plan, runs.reach),
        crm=NO_HUBSPOT,
        catalog=NO_CATALOG,
        clock=OffsetClock(plan.clock_offset_hours),
        worker=identity.name,
        incarnation=identity.incarnation,
    )


def _workers(plan: WorkerPlan, app: App) -> list[Worker]:
    """Like the product's: one for the queue, and one that processes suspected runs, one at a time."""
    queue_worker = partial(
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
        queue_worker(queues=[QUEUE], concurrency=plan.concurrency),
        queue_worker(queues=[QUARANTINE], concurrency=1, listen_notify=False),
    ]
