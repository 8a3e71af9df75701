"""Counts the calls to HubSpot that a piece of work makes, in all of its tasks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_counters: ContextVar[tuple[Counter[str], ...]] = ContextVar("call_counters", default=())


@contextmanager
def count_calls() -> Iterator[Counter[str]]:
    """Counts the calls that the block and the tasks that it starts have completed: by status ("200", "429"), or by the
    error's class name when there was no response. Each retry counts; an enclosing block counts the same calls.
    """
    calls: Counter[str] = Counter()
    token = _counters.set((*_counters.get(), calls))
    try:
        yield calls
    finally:
        _counters.reset(token)


def count(outcome: str) -> None:
    for calls in _counters.get():
        calls[outcome] += 1
