"""supervisord's event listener: a program that was given up ends everything, so that whoever runs us notices.

The protocol: https://supervisord.org/events.html (READY, a header line, `len` bytes, RESULT).
"""

import os
import signal
import sys
from typing import TextIO

READY = "READY\n"
DONE = "RESULT 2\nOK"


def main(asked: TextIO, answers: TextIO) -> None:
    """Stop supervisord, our parent, upon the first event; it only sends PROCESS_STATE_FATAL."""
    answers.write(READY)
    answers.flush()
    header = asked.readline()
    if not header:
        return
    fields = dict(pair.split(":", 1) for pair in header.split())
    asked.read(int(fields["len"]))
    sys.stderr.write("A program could not be kept running: everything is stopped.\n")
    os.kill(os.getppid(), signal.SIGTERM)
    answers.write(DONE)
    answers.flush()


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
