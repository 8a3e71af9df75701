"""The ground on which workers die: a database with an observer in it, the leader's rescue, and processes by name."""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.crash.external_system import Sink, open_sink
from tests.crash.instrumented_worker import run_planned
from tests.crash.worker_plan import Plan

# Forked from a server that has imported everything: a start takes 0.1 s instead of 1.5 s.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.crash.instrumented_worker"])

# Every write that ends a step as DONE is noted by the database itself, whoever makes it.
OBSERVER = """
CREATE TABLE observed_ends (id bigserial PRIMARY KEY, run_id bigint, position smallint, stage text);
CREATE FUNCTION observe_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO observed_ends (run_id, position, stage) VALUES (NEW.run_id, NEW.position, NEW.stage);
    RETURN NULL;
END $$;
CREATE TRIGGER observe_end AFTER UPDATE OF status ON steps FOR EACH ROW WHEN (NEW.status = 'DONE')
EXECUTE FUNCTION observe_end();
"""


class Ground:
    """One database and what happens on it. `plan` is what workers are started with unless told otherwise."""

    def __init__(self, database_url: str, sink: Sink, folder: Path) -> None:
        self.database_url = database_url
        self.sink = sink
        self.folder = folder
        self.processes: list[ForkServerProcess] = []
        self.plan = Plan(database_url=database_url, sink=sink.address, log=str(folder / "workers.log"))
        self.change(OBSERVER)

    def start(self, **changes: Any) -> ForkServerProcess:
        """A worker process, by `Plan`; returns at once."""
        ready = self.folder / f"ready-{len(self.processes)}"
        plan = replace(self.plan, ready=str(ready), **changes)
        process = _PROCESSES.Process(target=run_planned, args=(plan,), name=plan.name)
        process.start()
        self.processes.append(process)
        return process

    def started(self, **changes: Any) -> ForkServerProcess:
        """A worker process that has begun to fetch jobs."""
        process = self.start(**changes)
        ready = self.folder / f"ready-{len(self.processes) - 1}"
        self.until(lambda: ready.exists() or None, seconds=20, what="the worker's start")
        return process

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def change(self, statements: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statements.encode())

    def until(self, look: Callable[[], Any], *, seconds: float, what: str) -> Any:
        """What `look` finds; on failure with the end of the workers' log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                if found := look():
                    return found
            time.sleep(0.02)
        raise AssertionError(f"{what} did not come within {seconds:g} s\n{self.tail()}")

    def tail(self) -> str:
        log = self.folder / "workers.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""

    def end(self) -> None:
        """Leave no process behind, whatever happened; a stopped one is killed as well."""
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join(10)


def freeze(process: ForkServerProcess) -> None:
    os.kill(process.pid or 0, signal.SIGSTOP)


def thaw(process: ForkServerProcess) -> None:
    os.kill(process.pid or 0, signal.SIGCONT)


@contextmanager
def open_ground(database_url: str) -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="dq-crash-") as folder, open_sink() as sink:
        ground = Ground(database_url, sink, Path(folder))
        try:
            yield ground
        finally:
            ground.end()
