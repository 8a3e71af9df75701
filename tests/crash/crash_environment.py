"""Where the workers of these tests run and crash: a database with an observer, an external system, and processes."""

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

from tests.crash.external_system import ExternalSystem, open_external_system
from tests.crash.instrumented_worker import run_worker_process
from tests.crash.worker_plan import WorkerPlan

# Forked from a server that has imported everything: a start takes 0.1 s instead of 1.5 s.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.crash.instrumented_worker"])

# The database itself records every write that sets a step to DONE, from whichever process it comes.
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


class CrashEnvironment:
    """One database and the workers that use it. Each is started by `plan`, with the changes that a test passes."""

    def __init__(self, database_url: str, external_system: ExternalSystem, folder: Path) -> None:
        self.database_url = database_url
        self.external_system = external_system
        self.folder = folder
        self.processes: list[ForkServerProcess] = []
        self.plan = WorkerPlan(
            database_url=database_url, external_system=external_system.address, log=str(folder / "workers.log")
        )
        self.change(OBSERVER)

    def start(self, **changes: Any) -> ForkServerProcess:
        """Start a worker process; returns at once."""
        ready = self.folder / f"ready-{len(self.processes)}"
        plan = replace(self.plan, ready=str(ready), **changes)
        process = _CONTEXT.Process(target=run_worker_process, args=(plan,), name=plan.name)
        process.start()
        self.processes.append(process)
        return process

    def start_and_wait(self, **changes: Any) -> ForkServerProcess:
        """Start a worker process; returns when it has begun to fetch jobs."""
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
        """The first result of `look` that is not empty; an AssertionError shows the end of the workers' log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                if found := look():
                    return found
            time.sleep(0.02)
        raise AssertionError(f"Timed out after {seconds:g} s, waiting for {what}\n{self.log_tail()}")

    def log_tail(self) -> str:
        log = self.folder / "workers.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else ""

    def kill_all(self) -> None:
        """Leave no process behind, not even a frozen one."""
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join(10)


def freeze(process: ForkServerProcess) -> None:
    os.kill(process.pid or 0, signal.SIGSTOP)


def unfreeze(process: ForkServerProcess) -> None:
    os.kill(process.pid or 0, signal.SIGCONT)


@contextmanager
def open_environment(database_url: str) -> Iterator[CrashEnvironment]:
    with tempfile.TemporaryDirectory(prefix="dq-crash-") as folder, open_external_system() as external_system:
        environment = CrashEnvironment(database_url, external_system, Path(folder))
        try:
            yield environment
        finally:
            environment.kill_all()
