"""One short line for each step of the start; a spinner while it takes, where there is a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

# Below this, saying how long it took is noise.
WORTH_SAYING_SECONDS = 1.0


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
        self.say(f"{text}: done" + (f" ({took:.0f} s)" if took > WORTH_SAYING_SECONDS else ""))

    def say(self, text: str) -> None:
        self._console.print(text)
