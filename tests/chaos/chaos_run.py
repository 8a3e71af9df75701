"""Deals, workers and faults for a while; then quiet, and the books must balance."""

import asyncio
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from core.errors import DatabaseUnavailable
from migrations.upgrade import migrate
from tests.chaos.fault_injector import STAGE_SECONDS, Faults, Workers
from tests.crash.crash_environment import Ground, open_ground
from tests.crash.final_state import at_rest, double_steps, each_stage_once, repeated_calls
from tests.crash.postgres_server import Server, open_server
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import Rescued, rescuing

DATABASE = "chaos"
LOAD_SECONDS = 0.5
MOST_DEALS = 8
REST_SECONDS = 90


@dataclass
class Report:
    """What really happened."""

    seed: int
    seconds: float
    deals: int = 0
    steps: int = 0
    take_overs: int = 0
    reaped: int = 0
    swept: int = 0
    repeated_calls: int = 0
    repeated_effects: int = 0
    double_steps: int = 0
    rest_seconds: float = 0
    faults: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        faults = "\n".join(f"  {count:4} x {name}" for name, count in self.faults.items())
        return (
            f"Seed {self.seed}, {self.seconds:g} s: {self.deals} deals through {self.steps} steps.\n{faults}\n"
            f"  {self.take_overs} attempts cut off by them; {self.reaped} runs reaped, {self.swept} swept; "
            f"at rest {self.rest_seconds:.1f} s after the last.\n"
            f"  {self.double_steps} steps done twice; {self.repeated_calls} outside calls repeated, "
            f"each under its key, {self.repeated_effects} of them past a look that came too early."
        )


@contextmanager
def _ground(server: Server) -> Iterator[Ground]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    server.cluster.create_database(DATABASE)
    url = server.cluster.url(DATABASE)
    asyncio.run(migrate(url))
    with open_ground(url) as ground:
        yield ground


def storm(seed: int, seconds: float) -> Report:
    """AssertionError when a deal is lost, a step done twice or out of order, or a kind of fault never happened."""
    with open_server() as server, _ground(server) as ground, rescuing(ground.database_url) as rescued:
        workers = Workers(ground)
        faults = Faults(seed, ground, server, workers)
        _rage(ground, workers, faults, random.Random(seed), seconds)
        began = time.monotonic()
        workers.thaw_all()
        workers.tend()
        at_rest(ground, seconds=REST_SECONDS)
        report = _report(ground, faults, rescued, seed, seconds)
        report.rest_seconds = time.monotonic() - began
        print(report, flush=True)
        each_stage_once(ground)
        assert report.double_steps == 0
        assert report.repeated_calls <= report.take_overs, "more outside calls than attempts that were cut off"
        assert [kind for kind in faults.kinds if not faults.happened[kind]] == [], "these never happened"
        return report


def _rage(ground: Ground, workers: Workers, faults: Faults, chance: random.Random, seconds: float) -> None:
    now = time.monotonic()
    over, next_load, next_fault = now + seconds, now, now + 3 * STAGE_SECONDS
    while (now := time.monotonic()) < over:
        workers.tend()
        if now >= next_load:
            with suppress(DatabaseUnavailable):
                queue_deals(ground.database_url, chance.randint(1, MOST_DEALS))
            next_load = now + LOAD_SECONDS
        if now >= next_fault:
            faults.strike()
            next_fault = time.monotonic() + faults.pause()
        time.sleep(0.05)


def _report(ground: Ground, faults: Faults, rescued: Rescued, seed: int, seconds: float) -> Report:
    def count(query: str) -> int:
        return int(ground.rows(f"SELECT count(*) AS n FROM {query}")[0]["n"])

    return Report(
        seed=seed,
        seconds=seconds,
        deals=count("deals"),
        steps=count("steps"),
        take_overs=count("step_attempts WHERE error_type IS NOT NULL"),
        reaped=rescued.reaped,
        swept=rescued.swept,
        repeated_calls=repeated_calls(ground),
        repeated_effects=sum(ground.sink.effects.values()) - len(ground.sink.effects),
        double_steps=double_steps(ground),
        faults=dict(faults.happened),
    )
