"""supervisord with our messages, over programs that obey signals and programs that ignore them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.processes import kill_descendants

CHECKOUT = Path(__file__).parents[2]
HEAD = """
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
"""
# Notes when it receives a signal and when it has stopped. Arguments: name, seconds that its stop takes.
PROGRAM = """
import pathlib, signal, sys, time
name, seconds = sys.argv[1], float(sys.argv[2])
notes = pathlib.Path(__file__).with_name("notes")
def note(what):
    with notes.open("a") as file:
        file.write(f"{what} {name}\\n")
def stop(*_):
    note("signalled")
    time.sleep(seconds)
    note("ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
print("line of", name, flush=True)
note("up")
while True:
    signal.pause()
"""
# Ignores SIGTERM, and has a child with a session of its own, as PostgreSQL's processes have.
STUBBORN = """
import pathlib, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "600"], start_new_session=True)
with pathlib.Path(__file__).with_name("notes").open("a") as file:
    file.write("up stubborn\\n")
while True:
    signal.pause()
"""

LISTENER = """
[eventlistener:fatal]
command={python} -m deploy.fatal
events=PROCESS_STATE_FATAL
stdout_logfile=NONE
stderr_logfile={folder}/fatal.log
startsecs=0
"""

Supervise = Callable[..., subprocess.Popen[str]]


@contextmanager
def supervised_programs(tmp_path: Path) -> Iterator[Supervise]:
    """Starts `python -m deploy.supervise` on sections of supervisord.conf; returns when that many programs are up."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    (tmp_path / "notes").touch()
    started: list[subprocess.Popen[str]] = []

    def start(sections: str, *, up: int, **environment: str) -> subprocess.Popen[str]:
        conf = tmp_path / "supervisord.conf"
        conf.write_text((HEAD + sections).format(folder=tmp_path, python=sys.executable))
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "deploy.supervise", "-c", conf],
                env=os.environ | {"PYTHONPATH": str(CHECKOUT), "DEAL_QUEUE_LOGS_SHOWN": "logs"} | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        wait_until(lambda: (tmp_path / "notes").read_text().count("up ") >= up)
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            kill_descendants(process.pid)
            process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def section(name: str, arguments: str, more: str = "") -> str:
    quiet = "stdout_logfile=NONE\nstderr_logfile=NONE\n"
    return f"\n[program:{name}]\ncommand={{python}} {{folder}}/{arguments}\n{quiet}{more}"
