"""Finds and ends processes that this one did not start itself."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil


def descendants(pid: int) -> list[psutil.Process]:
    """Every process below `pid`, parents before their children; none when there is no such process."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_descendants(pid: int) -> None:
    """SIGKILL all of them, whatever process groups they lead."""
    for process in descendants(pid):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def supervised(data_dir: Path) -> list[tuple[psutil.Process, str]]:
    """The programs that a supervisord of this data folder has started, with their names; not their own children."""
    wanted = {"DATA_DIR": str(data_dir), "SUPERVISOR_ENABLED": "1"}.items()
    # The environment is None for a process of another user, and for one that has just ended.
    found = {
        process.pid: (process, process.info["environ"].get("SUPERVISOR_PROCESS_NAME", ""), process.info["ppid"])
        for process in psutil.process_iter(["environ", "ppid"])
        if wanted <= (process.info["environ"] or {}).items() and process.pid != os.getpid()
    }
    return [(process, name) for process, name, parent in found.values() if parent not in found]


def working_folder(pid: int) -> Path | None:
    """None when there is no such process, or when it belongs to another user."""
    try:
        return Path(psutil.Process(pid).cwd())
    except psutil.Error:
        return None


def end(pid: int, *kinds: signal.Signals, seconds: float) -> None:
    """Send one signal after the other until the process has ended, with up to `seconds` after each."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for kind in kinds:
            process.send_signal(kind)
            with suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                return
