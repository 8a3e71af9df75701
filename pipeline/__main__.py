"""`python -m pipeline`: a worker; any number, on any number of hosts."""

import sys

from core.entry import run_process
from pipeline.worker import run_worker

if __name__ == "__main__":
    sys.exit(run_process("worker", run_worker))
