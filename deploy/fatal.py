"""supervisord's event listener: stops everything when a program cannot be kept running, so that the operator notices.

The protocol: https://supervisord.org/events.html (READY, a header line, `len` bytes, RESULT).
"""

import os
import signal
import sys
from typing import TextIO

READY = "READY\n"
DONE = "RESULT 2\nOK"


def main(events: TextIO, results: TextIO) -> None:
    """Stop supervisord, our parent, upon the first event, which is always PROCESS_STATE_FATAL."""
    results.write(READY)
    results.flush()
    header = events.readline()
    if not header:
        return
    fields = dict(pair.split(":", 1) for pair in header.split())
    events.read(int(fields["len"]))
    sys.stderr.write("A program could not be kept running, so everything is stopped.\n")
    os.kill(os.getppid(), signal.SIGTERM)
    results.write(DONE)
    results.flush()


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
