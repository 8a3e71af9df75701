"""`python -m bench.burst`: thousands of new deals at once, through the stages of the product, at HubSpot's limits.

Exit code 1 when a target is missed.
"""

import asyncio
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import psycopg
import structlog
import typer

from bench.figures import Figure, at_least, at_most, exactly, report, reported
from bench.processes import Process, Sandbox, postgres_cpu_seconds, sandbox, scheduler, worker
from core.settings import Settings
from crm.budget.limits import BURST_SECONDS, SEARCHES_PER_SECOND, own_share
from crm.budget.shared import SLACK_SECONDS
from deploy.postgres import Cluster, throwaway_cluster
from migrations.upgrade import migrate
from tests.installation import until

TEMPLATE = "template_bench"
LATENCIES_MS = (0, 150)
BURST = 190
# Deals that the account has before: the processes have started, and know its owners, pipelines and properties.
KNOWN_DEALS = 20
# Of the sandbox. With HubSpot itself, a new deal waits for the next sync for up to five minutes.
SYNC_INTERVAL_SECONDS = 5
START_SECONDS, LONGEST_SECONDS = 60, 3_600
CONCURRENCY = Settings.model_fields["worker_concurrency"].default

_SPAN = """
SELECT extract(epoch FROM max(r.ended_at) - min(d.created_at))::float8,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM r.ended_at - d.created_at))::float8
FROM deals AS d JOIN pipeline_runs AS r ON r.id = d.latest_run_id WHERE d.id > %s
"""
_STORED = "SELECT count(*), coalesce(max(id), 0) FROM deals"
_WAITING = "SELECT count(*) FROM pipeline_runs WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING')"
_REPEATED = "SELECT coalesce(sum(attempts - 1), 0)::int FROM steps WHERE attempts > 1"


class Usage(NamedTuple):
    """CPU seconds of each process so far."""

    scheduler: float
    workers: float
    postgres: float
    sandbox: float

    def since(self, before: "Usage") -> "Usage":
        return Usage(*(now - then for now, then in zip(self, before, strict=True)))


def main(
    deals: Annotated[int, typer.Option(min=200, help="New ones, all at once.")] = 10_000,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="WORKER_CONCURRENCY of each.")] = CONCURRENCY,
    latency: Annotated[
        list[int] | None, typer.Option(min=0, help="Of the sandbox, in ms; otherwise 0, then 150.")
    ] = None,
) -> None:
    """Measure the processes as they are shipped, against a sandbox and a PostgreSQL that are started for it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    figures: list[Figure] = []
    with throwaway_cluster() as cluster:
        cluster.create_database(TEMPLATE)
        asyncio.run(migrate(cluster.url(TEMPLATE)))
        for latency_ms in latency or LATENCIES_MS:
            with tempfile.TemporaryDirectory(prefix="dq-bench-") as folder:
                burst = Burst(cluster, Path(folder), deals, latency_ms)
                figures += burst.measure(workers, concurrency)
    sys.exit(
        0 if report(f"A burst of {deals:,} new deals, {workers} workers with {concurrency} at a time", figures) else 1
    )


class Burst:
    """New deals in an account that was synced and processed before, observed from outside until all are DONE."""

    def __init__(self, cluster: Cluster, folder: Path, deals: int, latency_ms: int) -> None:
        self._cluster = cluster
        self._folder = folder
        self._deals = deals
        self._latency_ms = latency_ms

    def measure(self, workers: int, concurrency: int) -> list[Figure]:
        name = f"burst_{self._latency_ms}"
        self._cluster.create_database(name, template=TEMPLATE)
        url, folder = self._cluster.url(name), self._folder
        # So many new deals would be held until a person approves them, which is not what is measured.
        syncing = {"SYNC_INTERVAL_SECONDS": str(SYNC_INTERVAL_SECONDS), "SYNC_HOLD_ABOVE": str(self._deals)}
        with ExitStack() as stack:
            hubspot = stack.enter_context(sandbox(folder, KNOWN_DEALS))
            hubspot.configure(latency_ms=self._latency_ms, burst=BURST)
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            processes = [stack.enter_context(scheduler(folder, url, hubspot, **syncing))]
            for number in range(workers):
                settings = {"WORKER_NAME": f"worker-{number}", "WORKER_CONCURRENCY": str(concurrency)}
                processes.append(stack.enter_context(worker(folder, url, hubspot, **settings)))
            return self._observed(hubspot, connection, processes)

    def _observed(self, hubspot: Sandbox, connection: psycopg.Connection, processes: Sequence[Process]) -> list[Figure]:
        def idle() -> bool:
            for process in processes:
                process.check()
            stored, waiting = _row(connection, _STORED)[0], _row(connection, _WAITING)[0]
            return bool(stored >= known and not waiting)

        known = KNOWN_DEALS
        until(idle, seconds=START_SECONDS, what="the deals that the account had before")
        last = _row(connection, _STORED)[1]
        # The rolling windows are empty, as in an account in which nothing has happened for a while.
        time.sleep(BURST_SECONDS)
        first_call, before = int(hubspot.get("/_sim/stats")["requests"]) + 1, self._usage(hubspot, processes)
        known += len(hubspot.post("/_sim/mutate", create=self._deals)["created"])
        until(idle, seconds=LONGEST_SECONDS, what="the burst")
        used = self._usage(hubspot, processes).since(before)
        calls = hubspot.get("/_sim/journal", since=first_call - 1)["requests"]
        seconds, p95 = _row(connection, _SPAN, last)
        done = _row(connection, "SELECT count(*) FROM deals WHERE id > %s AND status = 'DONE'", last)[0]
        repeated = _row(connection, _REPEATED)[0]
        return self._figures(calls, seconds, p95, used, int(done), int(repeated))

    def _usage(self, hubspot: Sandbox, processes: Sequence[Process]) -> Usage:
        syncing, *working = processes
        return Usage(
            syncing.cpu_seconds,
            sum(process.cpu_seconds for process in working),
            postgres_cpu_seconds(self._cluster),
            hubspot.process.cpu_seconds,
        )

    def _figures(
        self, calls: list[dict[str, Any]], seconds: float, p95: float, used: Usage, done: int, repeated: int
    ) -> list[Figure]:
        at, deals = f"{self._latency_ms} ms: ", self._deals
        least = least_seconds(calls)
        routes = Counter(route_of(call) for call in calls)
        return [
            exactly(f"{at}deals DONE", done, deals),
            at_most(f"{at}calls a deal", len(calls) / deals, 0.25),
            *(reported(f"{at}  {route}", count / deals, note=f"{count:,}") for route, count in routes.most_common()),
            exactly(f"{at}answers of 429", sum(call["status"] == 429 for call in calls), 0),
            exactly(f"{at}attempts that had to be repeated", repeated, 0),
            at_least(f"{at}deals a second", deals / seconds, 60, note=f"{seconds:.0f} s"),
            at_most(f"{at}time / the least that its calls need", seconds / least, 1.3, note=f"{least:.0f} s"),
            reported(f"{at}from seen to DONE, 95th percentile", p95, "s"),
            *(
                reported(f"{at}CPU of {name}, a deal", spent / deals * 1000, "ms", f"{spent / seconds:.2f} of a core")
                for name, spent in used._asdict().items()
            ),
        ]


def _row(connection: psycopg.Connection, statement: str, *values: object) -> tuple[Any, ...]:
    found: tuple[Any, ...] | None = connection.execute(statement.encode(), values).fetchone()
    if found is None:
        raise AssertionError("The statement returned no row")
    return found


def route_of(call: dict[str, Any]) -> str:
    """The call without ids: `POST objects/0-3/batch/read`."""
    path = re.sub(r"/\d{6,}", "/{id}", call["path"].split("?")[0])
    return f"{call['method']} {re.sub(r'^/crm/', '', path).replace('/2026-09', '')}"


def least_seconds(calls: list[dict[str, Any]]) -> float:
    """At our share of HubSpot's limits, which searches and all other calls have each for themselves."""
    searches: int = sum(call["policy"] == "search" for call in calls)
    others = len(calls) - searches
    windows: float = others / own_share(BURST)
    return max(searches / SEARCHES_PER_SECOND, windows * (BURST_SECONDS + SLACK_SECONDS))


if __name__ == "__main__":
    typer.run(main)
