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

TEMPLATE = "template_bench"
LATENCIES_MS = (0, 150)
BURST = 190
# Deals that the account has before: the processes have started, and know its owners, pipelines and properties.
KNOWN_DEALS = 20
LONGEST_SECONDS, LOOK_SECONDS = 3_600, 1.0
CONCURRENCY = Settings.model_fields["worker_concurrency"].default

_STORED = "SELECT count(*), coalesce(max(id), 0) FROM deals"
_WAITING = "SELECT count(*) FROM pipeline_runs WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING')"
# Seconds from the first deal's being seen to the last one's being DONE; the 95th percentile of one deal's; how many are
# DONE; and how many attempts of their stages had to be repeated.
_OUTCOME = """
SELECT extract(epoch FROM max(r.ended_at) - min(d.created_at))::float8,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM r.ended_at - d.created_at))::float8,
       count(*) FILTER (WHERE d.status = 'DONE')::int,
       (SELECT coalesce(sum(attempts - 1), 0) FROM steps WHERE attempts > 1)::int
FROM deals AS d JOIN pipeline_runs AS r ON r.id = d.latest_run_id WHERE d.id > %s
"""


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
                burst = BurstRun(cluster, Path(folder), deals, latency_ms)
                figures += burst.measure(workers, concurrency)
    sys.exit(
        0 if report(f"A burst of {deals:,} new deals, {workers} workers with {concurrency} at a time", figures) else 1
    )


class BurstRun:
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
        with ExitStack() as stack:
            hubspot = stack.enter_context(sandbox(folder, KNOWN_DEALS))
            hubspot.configure(latency_ms=self._latency_ms, burst=BURST)
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            working = []
            for number in range(workers):
                settings = {
                    "WORKER_NAME": f"worker-{number}",
                    "WORKER_CONCURRENCY": str(concurrency),
                    "LOG_LEVEL": "INFO",
                }
                working.append(stack.enter_context(worker(folder, url, hubspot, **settings)))
            with scheduler(folder, url, hubspot) as syncing:
                until_idle(connection, [syncing, *working], KNOWN_DEALS)
            last = _row(connection, _STORED)[1]
            created = hubspot.post("/_sim/mutate", create=self._deals)["created"]
            # The rolling windows are empty, as in an account in which nothing has happened for a while.
            time.sleep(BURST_SECONDS)
            first_call, before = int(hubspot.get("/_sim/stats")["requests"]) + 1, self._usage(hubspot, working)
            # So many new deals would be held until a person approves them, which is not what is measured.
            with scheduler(folder, url, hubspot, SYNC_HOLD_ABOVE=str(self._deals)) as syncing:
                until_idle(connection, [syncing, *working], KNOWN_DEALS + len(created))
                used = self._usage(hubspot, working).since(before)
                used = used._replace(scheduler=syncing.cpu_seconds)
            calls = hubspot.get("/_sim/journal", since=first_call - 1)["requests"]
            return self._figures(calls, connection, last, used)

    def _usage(self, hubspot: Sandbox, processes: Sequence[Process]) -> Usage:
        return Usage(
            0.0,
            sum(process.cpu_seconds for process in processes),
            postgres_cpu_seconds(self._cluster),
            hubspot.process.cpu_seconds,
        )

    def _figures(
        self, calls: list[dict[str, Any]], connection: psycopg.Connection, last: int, used: Usage
    ) -> list[Figure]:
        """`last` is the id of the last deal that is not of the burst."""
        at, deals = f"{self._latency_ms} ms: ", self._deals
        seconds, p95, done, repeated = _row(connection, _OUTCOME, last)
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


def until_idle(connection: psycopg.Connection, processes: Sequence[Process], deals: int) -> None:
    """Return when so many deals are stored and no run waits."""

    deadline = time.monotonic() + LONGEST_SECONDS
    # Seldom, because the questions cost the database more than a deal does; it has recorded the times by itself.
    while _row(connection, _STORED)[0] < deals or _row(connection, _WAITING)[0]:
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            raise AssertionError(f"{deals:,} deals are not stored and processed after {LONGEST_SECONDS} s")
        time.sleep(LOOK_SECONDS)


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
