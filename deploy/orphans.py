"""Programs whose supervisord was killed: each is told at once, and servers are ended after their clients.

supervisord cannot stop anything after a SIGKILL. The kernel signals its programs, and its event listener
(deploy/fatal.py), which notices the end of its pipe, then does what is left of the stop.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from deploy.processes import supervised

LISTENER = "fatal"
# The variable with supervisord's process id. A program that asks for its parent later may find another one.
SUPERVISOR = "DEAL_QUEUE_SUPERVISOR"
# In this order, each after those that use it. The times are the stopwaitsecs of supervisord.conf.
SERVERS = (("sandbox", signal.SIGTERM, 3.0), ("postgres", signal.SIGINT, 30.0))
CLIENT_SECONDS = 28.0
POLL_SECONDS = 0.05
# The kernel closes a process's pipes before it gives its children another parent.
PARENT_SECONDS = 2.0

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1


class ParentSignal:
    """Made by supervisord; its children, just before they become their program, ask for a signal when it dies."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        # Loaded here: between fork and exec a child should do as little as possible.
        self._prctl: Callable[[int, int], int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def request(self, program: str) -> None:
        """Servers and the listener outlive supervisord until their clients have ended.

        The kernel counts the thread that has forked as the parent: supervisord has one only.
        """
        if self._prctl is None or program in {LISTENER, *(name for name, *_ in SERVERS)}:
            return
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self.parent:  # it died before the request
            os._exit(1)


def has_lost(parent: int) -> bool:
    """Whether the parent of this process has died, or does so within a moment."""
    deadline = time.monotonic() + PARENT_SECONDS
    while os.getppid() == parent and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return os.getppid() != parent


def end_programs(data_dir: Path) -> int:
    """End what a dead supervisord of this data folder has left behind, servers last; how many programs."""
    found = supervised(data_dir)
    listeners = [process for process, name in found if name == LISTENER]
    servers = {name for name, *_ in SERVERS}
    clients = [process for process, name in found if name not in {LISTENER, *servers}]
    # First: it would do the same, and it must not meet the programs of the next start.
    _end(listeners, signal.SIGKILL, 1.0)
    _end(clients, signal.SIGTERM, CLIENT_SECONDS)
    for server, kind, seconds in SERVERS:
        _end([process for process, name in found if name == server], kind, seconds)
    return len(found)


def _end(processes: Sequence[psutil.Process], kind: signal.Signals, seconds: float) -> None:
    """Signal all, and kill those that are left after `seconds`; return when none is left."""
    for signalled, limit in ((kind, seconds), (signal.SIGKILL, 5.0)):
        for process in filter(_is_alive, processes):
            try:
                process.send_signal(signalled)
            except psutil.Error:
                continue
        deadline = time.monotonic() + limit
        while any(map(_is_alive, processes)):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            return


def _is_alive(process: psutil.Process) -> bool:
    """A zombie has ended: in a container its new parent may never ask for its exit code."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
