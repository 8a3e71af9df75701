"""How many calls a piece of work has cost: counted where they are made, in whatever task of that work."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_open: ContextVar[tuple[Counter[str], ...]] = ContextVar("open_tallies", default=())


@contextmanager
def count_calls() -> Iterator[Counter[str]]:
    """Counts the calls of the block and of the tasks that it starts, as they end: by status ("200", "429"), or by the
    error's class name where no answer came. A call that was made again counts each time; a tally around counts it too.
    """
    calls: Counter[str] = Counter()
    token = _open.set((*_open.get(), calls))
    try:
        yield calls
    finally:
        _open.reset(token)


def count(outcome: str) -> None:
    for calls in _open.get():
        calls[outcome] += 1
