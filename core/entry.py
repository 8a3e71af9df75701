"""Starts a process: settings, logs, then its work on uvloop. Exits when a setting is wrong."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from core import logs
from core.errors import ConfigurationError
from core.failures import record_failure
from core.output import write_error
from core.settings import Settings

# The same as for a wrong command-line argument: a restart without a change cannot succeed.
EXIT_WRONG_SETTING = 2


@contextmanager
def configuration_errors() -> Iterator[None]:
    """Wrap the whole program: print a ConfigurationError as one sentence on standard error and exit with code 2."""
    try:
        yield
    except ConfigurationError as error:
        write_error(str(error))
        raise SystemExit(EXIT_WRONG_SETTING) from None


def run_process(name: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run `work` until it ends. ConfigurationError for a wrong setting; the page shows it as long as it lasts."""
    settings = Settings.load()
    logs.configure(name, settings)
    try:
        uvloop.run(work(settings))
    except ConfigurationError as error:
        uvloop.run(record_failure(settings, name, error))
        raise
