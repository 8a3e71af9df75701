"""What supervisord does for a worker: whenever it has ended, it is started again."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tests.crash.crash_environment import Ground


@contextmanager
def supervised(ground: Ground, **plan: Any) -> Iterator[list[int | None]]:
    """A worker that is started again whenever it has died; how each ended that did."""
    over, ends = Event(), []

    def supervise() -> None:
        while not over.is_set():
            process = ground.start(**plan)
            process.join()
            ends.append(process.exitcode)

    thread = Thread(target=supervise, daemon=True)
    thread.start()
    try:
        yield ends
    finally:
        over.set()
        ground.end()
        thread.join(10)
