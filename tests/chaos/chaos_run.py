"""Deals, workers and random faults for a time; then the faults stop, and every run must end as it should."""

import asyncio
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from core.errors import DatabaseUnavailable
from migrations.upgrade import migrate
from tests.chaos.fault_injector import STAGE_SECONDS, FaultInjector, WorkerProcesses
from tests.crash.crash_environment import CrashEnvironment, open_environment
from tests.crash.final_state import assert_each_stage_once, repeated_calls, steps_done_twice, wait_until_all_done
from tests.crash.postgres_server import PostgresServer, open_postgres_server
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import ReaperCounts, run_reaper

DATABASE = "chaos"
LOAD_SECONDS = 0.5
MAX_DEALS = 8
RECOVERY_SECONDS = 90


@dataclass
class Report:
    """What happened."""

    seed: int
    seconds: float
    deals: int = 0
    steps: int = 0
    take_overs: int = 0
    reaped: int = 0
    swept: int = 0
    repeated_calls: int = 0
    repeated_effects: int = 0
    steps_done_twice: int = 0
    recovery_seconds: float = 0
    faults: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        faults = "\n".join(f"  {count:4} x {name}" for name, count in self.faults.items())
        return (
            f"Seed {self.seed}, {self.seconds:g} s: {self.deals} deals, {self.steps} steps.\n{faults}\n"
            f"  {self.take_overs} attempts interrupted by them; {self.reaped} runs reaped, {self.swept} swept; "
            f"all runs ended {self.recovery_seconds:.1f} s after the last fault.\n"
            f"  {self.steps_done_twice} steps done twice; {self.repeated_calls} outside calls repeated, "
            f"each under its key; {self.repeated_effects} effects applied again, after a check that came too early."
        )


@contextmanager
def _environment(server: PostgresServer) -> Iterator[CrashEnvironment]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    server.cluster.create_database(DATABASE)
    url = server.cluster.url(DATABASE)
    asyncio.run(migrate(url))
    with open_environment(url) as environment:
        yield environment


def run_chaos(seed: int, seconds: float) -> Report:
    """AssertionError when a deal is lost, a step done twice or out of order, or a kind of fault never happened."""
    with (
        open_postgres_server() as server,
        _environment(server) as environment,
        run_reaper(environment.database_url) as reaper,
    ):
        workers = WorkerProcesses(environment)
        faults = FaultInjector(seed, environment, server, workers)
        _inject_faults(environment, workers, faults, random.Random(seed), seconds)
        began = time.monotonic()
        workers.unfreeze_all()
        workers.maintain()
        wait_until_all_done(environment, seconds=RECOVERY_SECONDS)
        report = _report(environment, faults, reaper, seed, seconds)
        report.recovery_seconds = time.monotonic() - began
        print(report, flush=True)
        assert report.deals > 0, "no deal was queued"
        assert report.steps > 0, "nothing was processed"
        assert_each_stage_once(environment)
        assert report.steps_done_twice == 0
        assert report.repeated_calls <= report.take_overs, "more repeated calls than interrupted attempts"
        assert [kind for kind in faults.kinds if not faults.hits[kind]] == [], "these kinds of faults never happened"
        return report


def _inject_faults(
    environment: CrashEnvironment,
    workers: WorkerProcesses,
    faults: FaultInjector,
    generator: random.Random,
    seconds: float,
) -> None:
    now = time.monotonic()
    end, next_load, next_fault = now + seconds, now, now + 3 * STAGE_SECONDS
    while (now := time.monotonic()) < end:
        workers.maintain()
        if now >= next_load:
            with suppress(DatabaseUnavailable):
                queue_deals(environment.database_url, generator.randint(1, MAX_DEALS))
            next_load = now + LOAD_SECONDS
        if now >= next_fault:
            faults.inject()
            next_fault = time.monotonic() + faults.pause()
        time.sleep(0.05)


def _report(
    environment: CrashEnvironment, faults: FaultInjector, reaper: ReaperCounts, seed: int, seconds: float
) -> Report:
    def count(query: str) -> int:
        return int(environment.rows(f"SELECT count(*) AS n FROM {query}")[0]["n"])

    return Report(
        seed=seed,
        seconds=seconds,
        deals=count("deals"),
        steps=count("steps"),
        take_overs=count("step_attempts WHERE error_type IS NOT NULL"),
        reaped=reaper.reaped,
        swept=reaper.swept,
        repeated_calls=repeated_calls(environment),
        repeated_effects=sum(environment.external_system.effects.values()) - len(environment.external_system.effects),
        steps_done_twice=steps_done_twice(environment),
        faults=dict(faults.hits),
    )
