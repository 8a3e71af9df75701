"""Lets a signal wake supervisord's loop, which otherwise checks for signals only once a second."""

import signal
import socket
from collections.abc import MutableMapping


class Wakeup:
    """A descriptor with the methods that supervisord's loop expects."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def listen(self) -> None:
        self._writer.send(b"\0")  # the first pass of the loop, which starts the programs, should not wait either
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self._reader.recv(4096)

    def handle_error(self) -> None:
        """A wake-up that cannot be read does no harm: the loop runs once a second anyway."""


def wake_on_signals(watched: MutableMapping[int, object]) -> None:
    """Register in the loop's map of descriptors; from then on every signal, SIGCHLD included, wakes the loop."""
    wakeup = Wakeup()
    watched[wakeup.fileno()] = wakeup
    wakeup.listen()
