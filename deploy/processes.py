"""Processes that are not our own children to wait for, as Linux tells them in /proc."""

import os
import select
import signal
from collections import defaultdict
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, parents before their children."""
    children = _children_by_parent()
    found = [pid]
    for parent in found:
        found.extend(children[parent])
    return found[1:]


def kill_descendants(pid: int) -> None:
    """SIGKILL all of them, whatever process groups they lead."""
    for descendant in descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(descendant, signal.SIGKILL)


def _children_by_parent() -> defaultdict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it ended meanwhile
                children[_parent(folder)].append(int(folder.name))
    return children


def _parent(folder: Path) -> int:
    """`pid (name) state parent ...`; the name may hold spaces and parentheses (proc_pid_stat(5))."""
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def supervised(data_dir: Path) -> list[int]:
    """Programs that a supervisord of this data folder has started; PostgreSQL not counted, it needs its own end."""
    return [
        int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit() and _is_ours(folder, data_dir)
    ]


def _is_ours(folder: Path, data_dir: Path) -> bool:
    try:
        variables = (folder / "environ").read_bytes().split(b"\0")
    except OSError:  # it ended, or is not ours to look at
        return False
    wanted = (f"DATA_DIR={data_dir}".encode(), b"SUPERVISOR_ENABLED=1")
    return all(variable in variables for variable in wanted) and b"SUPERVISOR_PROCESS_NAME=postgres" not in variables


def end(pid: int, *kinds: signal.Signals, seconds: float) -> None:
    """Send one signal after the other until the process is gone, with up to `seconds` after each."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    with os.fdopen(descriptor):
        for kind in kinds:
            signal.pidfd_send_signal(descriptor, kind)
            if poller.poll(seconds * 1000):
                return
