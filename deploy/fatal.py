"""supervisord's event listener: stops everything when a program cannot be kept running, so that the operator notices.

It also notices when supervisord itself was killed, and then stops the programs in its place.
The protocol: https://supervisord.org/events.html (READY, a header line, `len` bytes, RESULT).
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from core.output import write_error
from deploy.orphans import SUPERVISOR, end_programs, has_lost

READY = "READY\n"
DONE = "RESULT 2\nOK"


def main(events: TextIO, results: TextIO, *, supervisor: int, on_orphaned: Callable[[], object]) -> None:
    """Stop our parent `supervisor` upon each event, which is always PROCESS_STATE_FATAL, until its pipe ends."""
    _answer(results, READY)
    while header := events.readline():
        fields = dict(pair.split(":", 1) for pair in header.split())
        events.read(int(fields["len"]))
        write_error("A program could not be kept running, so everything is stopped.")
        os.kill(supervisor, signal.SIGTERM)
        _answer(results, f"{DONE}{READY}")
    if has_lost(supervisor):
        on_orphaned()


def _answer(results: TextIO, text: str) -> None:
    with suppress(BrokenPipeError):  # supervisord was killed while this process started
        results.write(text)
        results.flush()


def _stop_in_its_place() -> None:
    """Our own standard error ended at supervisord, so the line is written to the file that it led to."""
    data_dir = Path(os.environ["DATA_DIR"])
    with suppress(OSError), (data_dir / "logs" / "fatal.log").open("a") as log:
        log.write("supervisord was killed, so its programs are stopped.\n")
    end_programs(data_dir)


if __name__ == "__main__":
    main(sys.stdin, sys.stdout, supervisor=int(os.environ[SUPERVISOR]), on_orphaned=_stop_in_its_place)
