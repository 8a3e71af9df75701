"""The first sync of an account, by `python -m scheduler`: at HubSpot's rate limit, and without a limit."""

import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from bench.figures import Figure, at_least, at_most, exactly, reported
from bench.processes import Process, Sandbox, scheduler
from crm.budget.limits import BURST_SECONDS, own_share
from crm.budget.shared import SLACK_SECONDS
from deploy.postgres import Cluster
from tests.installation import until

LATENCY_MS = 150
BURST = 190
# A limit that no run reaches.
UNLIMITED = 100_000
LONGEST_SECONDS = 900

_STATE = "SELECT backfilled_at FROM sync_state WHERE backfilled_at IS NOT NULL"
_LIVE = "SELECT hubspot_deal_id FROM deals WHERE archived_at IS NULL"


class Backfill:
    """One backfill into an empty database, observed from outside until it has ended."""

    def __init__(self, hubspot: Sandbox, database_url: str) -> None:
        self.hubspot = hubspot
        self._connection = psycopg.connect(database_url, autocommit=True)
        self.first_call = self._last_number() + 1
        self.seconds = self.cpu_seconds = self.peak_mib = 0.0

    def watch(self, process: Process) -> None:
        """From the first call on: the start of the process is not measured."""

        def begun() -> bool:
            process.check()
            return self._last_number() >= self.first_call

        until(begun, seconds=60, what="the first call")
        started, cpu = time.perf_counter(), process.cpu_seconds
        until(lambda: self._connection.execute(_STATE).fetchall(), seconds=LONGEST_SECONDS, what="the end")
        self.seconds, self.cpu_seconds = time.perf_counter() - started, process.cpu_seconds - cpu
        self.peak_mib = process.peak_mib

    def _last_number(self) -> int:
        return int(self.hubspot.get("/_sim/stats")["requests"])

    def calls(self) -> list[dict[str, Any]]:
        """All calls since the start of this backfill."""
        found: list[dict[str, Any]] = self.hubspot.get("/_sim/journal", since=self.first_call - 1)["requests"]
        return found

    def missing_or_surplus(self) -> int:
        """AssertionError when the account has no deals: nothing would be missing."""
        stored, live = {row[0] for row in self._connection.execute(_LIVE).fetchall()}, self.hubspot.live_ids()
        if not live:
            raise AssertionError("The account has no deals.")
        return len(stored ^ live)

    def close(self) -> None:
        self._connection.close()


def share_of_limit(calls: list[dict[str, Any]]) -> tuple[float, int]:
    """The share of the allowed calls that were made, and over how many windows of the limit it was measured.

    Measured from the first call of a window to the first call of a later one: calls come in bursts, and a period that
    ended in the pause between two bursts would hide how late they are. Searches have another limit.
    """
    limit, span = own_share(BURST), BURST_SECONDS + SLACK_SECONDS
    at = sorted(datetime.fromisoformat(call["at"]).timestamp() for call in calls if call["policy"] == "burst")
    windows = (len(at) - 1) // limit
    if windows == 0:
        raise AssertionError(f"{len(at)} calls never reach the limit; measure more deals")
    return windows * span / (at[windows * limit] - at[0]), windows


def measure(cluster: Cluster, template: str, folder: Path, hubspot: Sandbox, deals: int) -> list[Figure]:
    """Two backfills, one after the other."""
    numbers = count(1)

    def run(**config: object) -> Backfill:
        name = f"backfill_{next(numbers)}"
        cluster.create_database(name, template=template)
        hubspot.configure(**config)
        backfill = Backfill(hubspot, cluster.url(name))
        with scheduler(folder, cluster.url(name), hubspot) as process:
            backfill.watch(process)
        return backfill

    limited = run(latency_ms=LATENCY_MS, burst=BURST)
    figures = _limited(limited, deals)
    limited.close()
    free = run(latency_ms=0, burst=UNLIMITED)
    figures += _free(free, limited, deals)
    free.close()
    return figures


def _limited(run: Backfill, deals: int) -> list[Figure]:
    calls = run.calls()
    share, windows = share_of_limit(calls)
    return [
        at_least(
            "backfill: calls made / calls that our share of the limit allows", share, 0.95, note=f"{windows} windows"
        ),
        exactly("backfill: answers of 429", sum(call["status"] == 429 for call in calls), 0),
        exactly("backfill: deals missing or surplus afterwards", run.missing_or_surplus(), 0),
        at_most("backfill: peak memory of the scheduler", run.peak_mib, 200, "MiB", f"{deals:,} deals"),
        reported("backfill: CPU of the scheduler, per 1,000 deals", run.cpu_seconds / deals * 1e6, "ms"),
        reported("backfill: CPU of the scheduler / time", run.cpu_seconds / run.seconds),
    ]


def _free(run: Backfill, limited: Backfill, deals: int) -> list[Figure]:
    return [
        exactly("without a limit: deals missing or surplus afterwards", run.missing_or_surplus(), 0),
        at_most("without a limit: peak memory of the scheduler", run.peak_mib, 200, "MiB"),
        at_most("without a limit / at the limit, time", run.seconds / limited.seconds, 1, note=f"{run.seconds:.0f} s"),
        reported("without a limit: CPU of the scheduler, per 1,000 deals", run.cpu_seconds / deals * 1e6, "ms"),
    ]
