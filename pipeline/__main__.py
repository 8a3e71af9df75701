"""`python -m pipeline`: a worker; any number, on any number of hosts."""

import sys

import uvloop

from core import logs
from core.errors import ConfigurationError
from core.settings import Settings
from pipeline.worker import run_worker


def main() -> int:
    try:
        settings = Settings.load()
        logs.configure("worker", settings)
        uvloop.run(run_worker(settings))
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
