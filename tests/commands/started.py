"""Runs `python -m MODULE ...` as a person types it, but in this process: a process of its own takes a second."""

import io
import os
import runpy
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

import structlog


class Done(NamedTuple):
    """How a command ended."""

    code: int
    shown: str
    problem: str

    @property
    def said(self) -> str:
        """Both outputs, as a terminal shows them."""
        return f"{self.shown}{self.problem}".strip()


def start(command: str, environment: Mapping[str, str]) -> Done:
    """Return when it has ended; an exception other than SystemExit would be a traceback, and is raised."""
    module, *words = command.split()
    shown, problem, code = io.StringIO(), io.StringIO(), 0
    variables = {"PATH": os.environ["PATH"], "COLUMNS": "200", **environment}
    with (
        patch.dict(os.environ, variables, clear=True),
        patch.object(sys, "argv", [module, *words]),
        redirect_stdout(shown),
        redirect_stderr(problem),
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
    return Done(code, shown.getvalue(), problem.getvalue())
