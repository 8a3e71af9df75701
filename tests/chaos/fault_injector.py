"""What goes wrong, at random: each fault counts itself when it has really hit something."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess

import psycopg

from tests.crash.crash_environment import Ground
from tests.crash.postgres_server import Server
from tests.crash.queued_deals import backends_cut, repeat_jobs
from tests.crash.worker_plan import LEASE_SECONDS

STAGE_SECONDS = 0.3
CONCURRENCY = 10
WORKERS = ("one@chaos", "two@chaos", "three@chaos")
COPIES = 20

# A run whose workers have died five times has failed, as it should; here each of them is to be done in the end.
SPARED_CRASHES = 3
# Suspects run one at a time in the whole system: more of them than that, and the rest would be a long time coming.
MOST_SUSPECTS = 4

IN_FLIGHT = """
SELECT count(*) > 0 AND max(crashes) < {spared} AND (
    SELECT count(*) FROM pipeline_runs WHERE crashes >= 2 AND status IN ('QUEUED', 'RUNNING', 'RETRYING')
) < {suspects} AS hit
FROM pipeline_runs WHERE status = 'RUNNING' AND worker = '{name}'
"""


class Workers:
    """Three processes by name; whichever has ended is started again, as supervisord does."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._alive: dict[str, ForkServerProcess] = {}
        self._frozen: dict[str, float] = {}

    def tend(self) -> None:
        for name, until in list(self._frozen.items()):
            if time.monotonic() > until:
                self.thaw(name)
        for name in WORKERS:
            if name not in self._alive or not self._alive[name].is_alive():
                self._frozen.pop(name, None)
                self._alive[name] = self._ground.start(name=name, stage_seconds=STAGE_SECONDS, concurrency=CONCURRENCY)

    def kill(self, name: str) -> None:
        self._alive[name].kill()
        self._alive[name].join(10)

    def freeze(self, name: str, seconds: float) -> None:
        os.kill(self._alive[name].pid or 0, signal.SIGSTOP)
        self._frozen[name] = time.monotonic() + seconds

    def thaw(self, name: str) -> None:
        del self._frozen[name]
        with suppress(ProcessLookupError):
            os.kill(self._alive[name].pid or 0, signal.SIGCONT)

    def thaw_all(self) -> None:
        for name in list(self._frozen):
            self.thaw(name)

    def at_work(self) -> list[str]:
        """Those that are neither dead nor frozen and have runs in flight, none of them near its fifth crash."""
        return [
            name
            for name, process in self._alive.items()
            if process.is_alive() and name not in self._frozen and self._hit(name)
        ]

    def _hit(self, name: str) -> bool:
        found = self._ground.rows(IN_FLIGHT.format(name=name, spared=SPARED_CRASHES, suspects=MOST_SUSPECTS))
        return bool(found[0]["hit"])


class Faults:
    """`strike` does one of them; `happened` says how often each has hit."""

    def __init__(self, seed: int, ground: Ground, server: Server, workers: Workers) -> None:
        self._random = random.Random(seed)
        self._ground = ground
        self._server = server
        self._workers = workers
        self.happened: Counter[str] = Counter()
        # How likely each is, in 20.
        self._all: dict[str, tuple[int, Callable[[], bool]]] = {
            "kill": (7, self._kill),
            "freeze": (4, self._freeze),
            "massacre of connections": (3, self._massacre),
            "duplicate delivery": (4, self._duplicate),
            "fast restart of PostgreSQL": (1, self._restart),
            "crash of PostgreSQL": (1, self._crash),
        }
        # Each once before chance has its way: a short chaos has all kinds too.
        self._first = self._random.sample(list(self._all), len(self._all))

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self._all)

    def strike(self) -> None:
        names = list(self._all)
        weights = [weight for weight, _ in self._all.values()]
        name = self._first[-1] if self._first else self._random.choices(names, weights)[0]
        with suppress(psycopg.OperationalError):
            if self._all[name][1]():
                self.happened[name] += 1
                if self._first:
                    self._first.pop()

    def pause(self) -> float:
        """How long until the next one."""
        return self._random.uniform(0.1, 0.7)

    def _victim(self) -> str | None:
        at_work = self._workers.at_work()
        return self._random.choice(at_work) if at_work else None

    def _kill(self) -> bool:
        if victim := self._victim():
            self._workers.kill(victim)
        return victim is not None

    def _freeze(self) -> bool:
        if victim := self._victim():
            self._workers.freeze(victim, LEASE_SECONDS * self._random.uniform(1.5, 3))
        return victim is not None

    def _massacre(self) -> bool:
        return backends_cut(self._ground.database_url) > 0

    def _duplicate(self) -> bool:
        query = "SELECT id FROM deals WHERE status IN ('QUEUED', 'RUNNING') ORDER BY random() LIMIT 3"
        deals = [row["id"] for row in self._ground.rows(query)]
        repeat_jobs(self._ground.database_url, deals, COPIES)
        return bool(deals)

    def _restart(self) -> bool:
        self._server.stop_fast()
        self._server.start()
        return True

    def _crash(self) -> bool:
        self._server.stop_immediate()
        self._server.start()
        return True
