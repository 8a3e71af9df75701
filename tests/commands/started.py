"""Runs `python -m MODULE ...` as a person types it, but in this process: a process of its own takes a second."""

import io
import os
import runpy
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO, NamedTuple
from unittest.mock import patch

import structlog

from core.output import STDERR


class Done(NamedTuple):
    """How a command ended."""

    code: int
    shown: str
    problem: str

    @property
    def said(self) -> str:
        """Both outputs, as a terminal shows them."""
        return f"{self.shown}{self.problem}".strip()


@contextmanager
def _standard_error() -> Iterator[IO[str]]:
    """Holds what is written to it inside the block, also what is written straight to the descriptor."""
    with tempfile.TemporaryFile("w+", buffering=1, errors="backslashreplace") as written:
        descriptor = os.dup(STDERR)
        os.dup2(written.fileno(), STDERR)
        try:
            with redirect_stderr(written):
                yield written
        finally:
            os.dup2(descriptor, STDERR)
            os.close(descriptor)


def start(command: str, environment: Mapping[str, str]) -> Done:
    """Return when it has ended; an exception other than SystemExit would be a traceback, and is raised."""
    module, *words = command.split()
    shown, code = io.StringIO(), 0
    variables = {"PATH": os.environ["PATH"], "COLUMNS": "200", **environment}
    with (
        patch.dict(os.environ, variables, clear=True),
        patch.object(sys, "argv", [module, *words]),
        redirect_stdout(shown),
        _standard_error() as problem,
        warnings.catch_warnings(),
    ):
        # Another test has imported the module's `__main__` under its own name.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            # A command silences the logs of its process, which here is that of all tests.
            structlog.reset_defaults()
        problem.seek(0)
        return Done(code, shown.getvalue(), problem.read())
