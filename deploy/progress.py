"""One short line for each step of the start, with a spinner while it runs, where there is a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

# A shorter duration is not printed.
PRINTED_FROM_SECONDS = 1.0


class Progress:
    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{text} ..."):
                yield
        else:
            yield
        took = time.monotonic() - started
        self.print(f"{text}: done" + (f" ({took:.0f} s)" if took > PRINTED_FROM_SECONDS else ""))

    def print(self, text: str) -> None:
        self._console.print(text)
