"""What supervisord does for a worker: whenever it has exited, it is started again."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tests.crash.crash_environment import CrashEnvironment


@contextmanager
def supervised(environment: CrashEnvironment, **plan: Any) -> Iterator[list[int | None]]:
    """A worker that is restarted whenever it has died; yields the exit codes so far."""
    stopping, exit_codes = Event(), []

    def supervise() -> None:
        while not stopping.is_set():
            process = environment.start(**plan)
            process.join()
            exit_codes.append(process.exitcode)

    thread = Thread(target=supervise, daemon=True)
    thread.start()
    try:
        yield exit_codes
    finally:
        stopping.set()
        environment.kill_all()
        thread.join(10)
