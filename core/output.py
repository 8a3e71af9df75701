"""Writes lines to standard output and standard error. It never raises and never waits for long: a log is not the work.

A broken pipe (its reader was killed), a full disk or a closed descriptor drops the lines. So does a pipe or terminal
that is not read: a write to it would block the whole process, event loop and watchdog included.
"""

import os
import select
import threading
import time
from collections.abc import Callable

STDOUT, STDERR = 1, 2
# What a pipe takes without blocking once it is writable at all (PIPE_BUF on Linux).
_PIECE_BYTES = 4096
# A reader that is merely busy catches up within this time. One that is stopped costs it once, not with every line.
_PATIENCE_SECONDS = 0.1


class Output:
    """One descriptor. `report` makes the line that says how many were dropped, once lines can be written again."""

    def __init__(self, descriptor: int, report: Callable[[int], str] | None = None) -> None:
        self._descriptor = descriptor
        self._report = report
        # Threads log too; a signal handler may interrupt a write of its own thread.
        self._lock = threading.RLock()
        self._dropped = 0
        # The last line was written in part: the next one begins with a line break.
        self._is_torn = False

    def write(self, text: str) -> None:
        """Whole lines, as one text."""
        line = text.encode(errors="backslashreplace")
        with self._lock:
            if self._dropped and self._report is not None:
                line = self._report(self._dropped).encode(errors="backslashreplace") + line
            if self._write(b"\n" + line if self._is_torn else line):
                self._dropped, self._is_torn = 0, False
            else:
                self._dropped += 1

    def flush(self) -> None:
        """Nothing is buffered. Loggers call it after each line."""

    def _write(self, line: bytes) -> bool:
        """Whether the line was written to its end."""
        deadline = time.monotonic() + (0 if self._dropped else _PATIENCE_SECONDS)
        written = 0
        try:
            while written < len(line):
                if not _is_writable(self._descriptor, deadline - time.monotonic()):
                    break
                written += os.write(self._descriptor, line[written : written + _PIECE_BYTES])
        except OSError:
            pass
        if 0 < written < len(line):
            self._is_torn = True
        return written == len(line)


def _is_writable(descriptor: int, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLOUT)
    return bool(waiting.poll(max(seconds, 0) * 1000))


def keep_standard_descriptors() -> None:
    """Open those that were closed at the start: otherwise the next file or connection gets 1 and receives the log."""
    for descriptor in range(STDERR + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)


def write_error(sentence: str) -> None:
    """A sentence on standard error."""
    Output(STDERR).write(f"{sentence}\n")
