"""Processes that another program has started are found and ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.processes import descendants, end, supervised, working_folder

# Ignores SIGTERM, and reports when it does.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program with these environment variables; returns once it runs."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str = "print(1, flush=True); input()", **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", program]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=os.environ | variables, stdin=pipe, stdout=pipe, cwd="/"))
        stdout = started[-1].stdout
        assert stdout is not None
        assert stdout.readline() == b"1\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_only_the_supervised_programs_of_a_data_folder_are_found(start: Start, tmp_path: Path) -> None:
    """Not those of another folder, not those without a supervisor, and not the children of PostgreSQL's first one."""
    ours = {"DATA_DIR": str(tmp_path), "SUPERVISOR_ENABLED": "1", "SUPERVISOR_PROCESS_NAME": "worker"}
    worker = start(**ours)
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    postgres = start(child, **ours | {"SUPERVISOR_PROCESS_NAME": "postgres"})
    start(**ours | {"DATA_DIR": f"{tmp_path}2"})
    start(DATA_DIR=str(tmp_path))
    assert {process.pid: name for process, name in supervised(tmp_path)} == {
        worker.pid: "worker",
        postgres.pid: "postgres",
    }


def test_a_process_that_ignores_a_signal_gets_the_next_one(start: Start) -> None:
    process = start(STUBBORN)
    end(process.pid, signal.SIGTERM, signal.SIGKILL, seconds=0.2)
    assert process.wait(5) in (-signal.SIGKILL, 0)  # 0: psutil has read the exit status before


def test_a_process_that_has_ended_already_is_no_error(start: Start) -> None:
    process = start("print(1, flush=True)")
    process.wait(5)
    end(process.pid, signal.SIGTERM, seconds=1)
    assert descendants(process.pid) == []
    assert working_folder(process.pid) is None


def test_descendants_include_grandchildren(start: Start) -> None:
    """Also those in a session of their own."""
    program = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', \"import subprocess;"
        " print(1, flush=True); subprocess.run(['sleep', '600'], start_new_session=True)\"]); child.wait()"
    )
    process = start(program)
    below = descendants(process.pid)
    while [found.name() for found in below][1:] != ["sleep"]:
        assert process.poll() is None
        below = descendants(process.pid)
    assert working_folder(below[1].pid) == Path("/")
    for descendant in below:
        descendant.kill()
