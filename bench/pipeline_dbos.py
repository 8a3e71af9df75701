"""`.venv-bench/bin/python bench/pipeline_dbos.py URL MODE COUNT`: COUNT workflows of six durable DBOS steps.

Runs where DBOS is installed and this project is not: it imports nothing of ours. It prints its cost as JSON. The modes:
`async` awaits workflows on the event loop, AT_A_TIME at once; `threads` starts them in DBOS's own threads; `queue`
enqueues all of them first, as this project does, and processes the queue.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable

import uvloop
from dbos import DBOS, DBOSConfig

AT_A_TIME = 20
STEPS = 6


@DBOS.step()  # type: ignore[untyped-decorator]
async def step_async(number: int) -> str:
    return str(number)


@DBOS.workflow()  # type: ignore[untyped-decorator]
async def flow_async(number: int) -> None:
    for _ in range(STEPS):
        await step_async(number)


@DBOS.step()  # type: ignore[untyped-decorator]
def step(number: int) -> str:
    return str(number)


@DBOS.workflow()  # type: ignore[untyped-decorator]
def flow(number: int) -> None:
    for _ in range(STEPS):
        step(number)


def by_async(count: int) -> float:
    """The seconds that it took, as in every mode."""

    async def all_of_them() -> None:
        numbers = iter(range(count))

        async def work() -> None:
            for number in numbers:
                await flow_async(number)

        await asyncio.gather(*(work() for _ in range(AT_A_TIME)))

    started = time.perf_counter()
    uvloop.run(all_of_them())
    return time.perf_counter() - started


def by_threads(count: int) -> float:
    started = time.perf_counter()
    for first in range(0, count, AT_A_TIME):
        handles = [DBOS.start_workflow(flow, number) for number in range(first, min(first + AT_A_TIME, count))]
        for handle in handles:
            handle.get_result(polling_interval_sec=0.01)
    return time.perf_counter() - started


def by_queue(count: int) -> float:
    DBOS.register_queue("bench", worker_concurrency=AT_A_TIME, polling_interval_sec=0.05)
    started = time.perf_counter()
    for handle in [DBOS.enqueue_workflow("bench", flow, number) for number in range(count)]:
        handle.get_result(polling_interval_sec=0.01)
    return time.perf_counter() - started


MODES: dict[str, Callable[[int], float]] = {"async": by_async, "threads": by_threads, "queue": by_queue}


def main(url: str, mode: str, count: int) -> None:
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": url,
        "sys_db_pool_size": AT_A_TIME,
        "log_level": "ERROR",
        "run_admin_server": False,
        "max_executor_threads": AT_A_TIME,
    }
    DBOS(config=config)
    DBOS.launch()
    cpu = time.process_time()
    seconds = MODES[mode](count)
    cost = {"done": count, "seconds": seconds, "cpu_seconds": time.process_time() - cpu, "mib": []}
    sys.stdout.write(json.dumps(cost))
    sys.stdout.flush()
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
