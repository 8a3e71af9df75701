"""Random faults, and the worker processes that they hit. A fault counts only if it has hit something."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkServerProcess

import psycopg

from tests.crash.crash_environment import CrashEnvironment
from tests.crash.postgres_server import PostgresServer
from tests.crash.queued_deals import cut_connections, duplicate_jobs
from tests.crash.worker_plan import LEASE_SECONDS

STAGE_SECONDS = 0.3
CONCURRENCY = 10
WORKERS = ("one@chaos", "two@chaos", "three@chaos")
COPIES = 20

# A fifth crash fails a run on purpose; here every run is to be DONE in the end.
MAX_CRASHES = 3
# Suspected runs are processed one at a time in the whole system: more of them would take too long.
MAX_SUSPECTED_RUNS = 4

IN_FLIGHT = """
SELECT count(*) > 0 AND max(crashes) < {max_crashes} AND (
    SELECT count(*) FROM pipeline_runs WHERE crashes >= 2 AND status IN ('QUEUED', 'RUNNING', 'RETRYING')
) < {max_suspected} AS hit
FROM pipeline_runs WHERE status = 'RUNNING' AND worker = '{name}'
"""


class WorkerProcesses:
    """Three processes by name; one that has exited is restarted, as supervisord does."""

    def __init__(self, environment: CrashEnvironment) -> None:
        self._environment = environment
        self._alive: dict[str, ForkServerProcess] = {}
        self._frozen: dict[str, float] = {}

    def maintain(self) -> None:
        for name, until in list(self._frozen.items()):
            if time.monotonic() > until:
                self.unfreeze(name)
        for name in WORKERS:
            if name not in self._alive or not self._alive[name].is_alive():
                self._frozen.pop(name, None)
                self._alive[name] = self._environment.start(
                    name=name, stage_seconds=STAGE_SECONDS, concurrency=CONCURRENCY
                )

    def kill(self, name: str) -> None:
        self._alive[name].kill()
        self._alive[name].join(10)

    def freeze(self, name: str, seconds: float) -> None:
        os.kill(self._alive[name].pid or 0, signal.SIGSTOP)
        self._frozen[name] = time.monotonic() + seconds

    def unfreeze(self, name: str) -> None:
        del self._frozen[name]
        with suppress(ProcessLookupError):
            os.kill(self._alive[name].pid or 0, signal.SIGCONT)

    def unfreeze_all(self) -> None:
        for name in list(self._frozen):
            self.unfreeze(name)

    def busy(self) -> list[str]:
        """Names of processes that run and have runs in flight, none of them close to its fifth crash."""
        return [
            name
            for name, process in self._alive.items()
            if process.is_alive() and name not in self._frozen and self._has_runs(name)
        ]

    def _has_runs(self, name: str) -> bool:
        found = self._environment.rows(
            IN_FLIGHT.format(name=name, max_crashes=MAX_CRASHES, max_suspected=MAX_SUSPECTED_RUNS)
        )
        return bool(found[0]["hit"])


class FaultInjector:
    """`inject` causes one fault; `hits` counts how often each kind has hit something."""

    def __init__(
        self, seed: int, environment: CrashEnvironment, server: PostgresServer, workers: WorkerProcesses
    ) -> None:
        self._random = random.Random(seed)
        self._environment = environment
        self._server = server
        self._workers = workers
        self.hits: Counter[str] = Counter()
        # How likely each kind is, in 20.
        self._all: dict[str, tuple[int, Callable[[], bool]]] = {
            "kill": (7, self._kill),
            "freeze": (4, self._freeze),
            "all connections cut": (3, self._cut_connections),
            "duplicate delivery": (4, self._duplicate),
            "fast restart of PostgreSQL": (1, self._restart),
            "crash of PostgreSQL": (1, self._crash),
        }
        # First each kind once, so that a short run has all of them.
        self._first = self._random.sample(list(self._all), len(self._all))

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self._all)

    def inject(self) -> None:
        names = list(self._all)
        weights = [weight for weight, _ in self._all.values()]
        name = self._first[-1] if self._first else self._random.choices(names, weights)[0]
        with suppress(psycopg.OperationalError):
            if self._all[name][1]():
                self.hits[name] += 1
                if self._first:
                    self._first.pop()

    def pause(self) -> float:
        """The seconds until the next fault."""
        return self._random.uniform(0.1, 0.7)

    def _random_worker(self) -> str | None:
        busy = self._workers.busy()
        return self._random.choice(busy) if busy else None

    def _kill(self) -> bool:
        if worker := self._random_worker():
            self._workers.kill(worker)
        return worker is not None

    def _freeze(self) -> bool:
        if worker := self._random_worker():
            self._workers.freeze(worker, LEASE_SECONDS * self._random.uniform(1.5, 3))
        return worker is not None

    def _cut_connections(self) -> bool:
        return cut_connections(self._environment.database_url) > 0

    def _duplicate(self) -> bool:
        query = "SELECT id FROM deals WHERE status IN ('QUEUED', 'RUNNING') ORDER BY random() LIMIT 3"
        deals = [row["id"] for row in self._environment.rows(query)]
        duplicate_jobs(self._environment.database_url, deals, COPIES)
        return bool(deals)

    def _restart(self) -> bool:
        self._server.stop_fast()
        self._server.start()
        return True

    def _crash(self) -> bool:
        self._server.stop_immediate()
        self._server.start()
        return True
