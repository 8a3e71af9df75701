"""`python -m bench.pipeline_ours URL WHAT COUNT`: one worker process, which prints its cost as JSON.

`runs` takes deals through six stages that do nothing, by the product's runner with all its commits; `jobs` do nothing
at all, by Procrastinate alone; `memory` is runs, a thousand for each of many workers, one worker after the other.
"""

import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, cast

import orjson
import structlog
import uvloop
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONValue
from procrastinate.worker import Worker
from pydantic import BaseModel
from sqlalchemy import text

from bench.intake import pages, store_enqueued
from core.address import Address
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from crm.catalog import Catalog
from crm.client import HubSpot
from models.conditions import HEARTBEAT_SECONDS, QUEUE, STALE_HEARTBEAT_SECONDS, TASK
from pipeline.queue import make_app
from pipeline.runs.store import RunStore
from pipeline.stages import STAGES
from pipeline.stages.stage import Stage, StageContext, StageResult
from pipeline.worker.entry import MOST_CONNECTIONS, POLL_SECONDS
from pipeline.worker.runner import Runner

CONCURRENCY = Settings.model_fields["worker_concurrency"].default
NO_OP = "no_op"
PORTION = 1_000


class Cost(NamedTuple):
    """`cpu_seconds` are this process's, bench.pipeline adds the server's; `mib` is the memory after each portion."""

    done: int
    seconds: float
    cpu_seconds: float
    mib: list[float]
    postgres_cpu_seconds: float = 0.0


class Nothing(BaseModel):
    """The output of such a stage: as small as a stage's output can be."""

    key: str


async def _nothing(context: StageContext) -> StageResult:
    return StageResult(Nothing(key=context.idempotency_key))


def _runner(database: Database) -> Runner:
    """As in pipeline/worker/entry.py, but with stages that make no calls."""
    return Runner(
        database=database,
        runs=RunStore(database, lease_seconds=Settings.model_fields["lease_seconds"].default),
        stages=[Stage(key=stage.key, label=stage.label, run=_nothing) for stage in STAGES],
        crm=cast("HubSpot", None),
        catalog=cast("Catalog", None),
        clock=SystemClock(),
        worker="bench",
    )


def _worker(app: App) -> Worker:
    """As in pipeline/worker/entry.py, until the queue is empty."""
    return Worker(
        app=app,
        queues=[QUEUE],
        concurrency=CONCURRENCY,
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALE_HEARTBEAT_SECONDS,
        delete_jobs="always",
        install_signal_handlers=False,
        wait=False,
    )


async def _no_op(number: int) -> None:
    """A job that does nothing."""


async def _measured(count: int, work: Callable[[], Awaitable[None]]) -> Cost:
    started, cpu = time.perf_counter(), time.process_time()
    await work()
    return Cost(count, time.perf_counter() - started, time.process_time() - cpu, [_mib()])


def _mib() -> float:
    """Of resident memory, now."""
    pages_used = int(Path("/proc/self/statm").read_text().split()[1])
    return pages_used * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _runs(database: Database, app: App, count: int) -> Cost:
    for page in pages(count):
        await store_enqueued(database, page)
    cost = await _measured(count, _worker(app).run)
    await _check_done(database, count)
    return cost


_DONE = text("""
SELECT count(*) AS n FROM pipeline_runs AS r WHERE r.status = 'DONE' AND 6 = (
    SELECT count(*) FROM steps AS s WHERE s.run_id = r.id AND s.status = 'DONE' AND s.attempts = 1)
""")


async def _check_done(database: Database, count: int) -> None:
    done = (await database.run(_DONE))[0].n
    if done != count:
        raise AssertionError(f"{done} of {count} runs are done, each stage at the first attempt")


async def _jobs(_: Database, app: App, count: int) -> Cost:
    arguments: list[dict[str, JSONValue]] = [{"number": number} for number in range(count)]
    await app.configure_task(NO_OP, queue=QUEUE).batch_defer_async(*arguments)
    return await _measured(count, _worker(app).run)


async def _memory(database: Database, app: App, count: int) -> Cost:
    """A portion of the generator's pages at a time, so that stored deals are not kept in memory."""
    book = pages(max(count, PORTION))
    costs: list[Cost] = []
    for _ in range(max(1, count // PORTION)):
        for _ in range(PORTION // 200):
            await store_enqueued(database, next(book))
        costs.append(await _measured(PORTION, _worker(app).run))
    counted = len(costs) * PORTION
    await _check_done(database, counted)
    mib = [cost.mib[0] for cost in costs]
    return Cost(counted, sum(cost.seconds for cost in costs), sum(cost.cpu_seconds for cost in costs), mib)


WORK = {"runs": _runs, "jobs": _jobs, "memory": _memory}


async def main(url: str, what: str, count: int) -> Cost:
    database = Database.connect(url, name="bench", direct_size=min(CONCURRENCY + 3, MOST_CONNECTIONS))
    app = App(connector=PsycopgConnector(conninfo=Address.of(url).libpq())) if what == "jobs" else make_app(url)
    try:
        async with app.open_async():
            app.task(name=TASK, queue=QUEUE)(_runner(database).process)
            app.task(name=NO_OP, queue=QUEUE)(_no_op)
            return await WORK[what](database, app, count)
    finally:
        await database.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cost = uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    sys.stdout.buffer.write(orjson.dumps(cost._asdict()))
