"""How a process begins: settings, logs, then its work on uvloop; a wrong setting is one sentence and exit code 2."""

import os
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from core import logs
from core.errors import ConfigurationError
from core.settings import Settings


def run_process(name: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> int:
    """The exit code."""
    try:
        settings = Settings.load()
        logs.configure(name, settings)
        uvloop.run(work(settings))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def process_name(kind: str) -> str:
    """Stable over restarts under supervisord: by it a process knows what its dead incarnation held.

    Two that were started by hand must not take each other for a dead one: each has a name of its own.
    """
    process = os.environ.get("SUPERVISOR_PROCESS_NAME", f"{kind}-{os.getpid()}")
    return f"{process}@{socket.gethostname()}"
