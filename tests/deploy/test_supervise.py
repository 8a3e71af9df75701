"""supervisord with our messages, with programs that obey signals and programs that ignore them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from pathlib import Path

import psutil
import pytest

from deploy.processes import descendants, kill_descendants
from pipeline.worker.entry import GRACE_SECONDS

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

Supervise = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
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


SERVER_AND_CLIENTS = (
    "\n[group:clients]\nprograms=one,two\npriority=30\n"
    + section("one", "program.py one 1.5")
    + section("two", "program.py two 1.5")
    + section("server", "program.py server 0", "priority=10\nstopsignal=INT\n")
)


def test_the_server_is_stopped_after_its_clients(supervise: Supervise, tmp_path: Path) -> None:
    """Clients stop together, the server when the last of them has ended; the exit code is 0."""
    process = supervise(SERVER_AND_CLIENTS, up=3)
    begun = time.monotonic()
    process.terminate()
    output, _ = process.communicate(timeout=20)
    notes = [line for line in (tmp_path / "notes").read_text().splitlines() if not line.startswith("up")]
    assert sorted(notes[:2]) == ["signalled one", "signalled two"]
    assert sorted(notes[2:4]) == ["ended one", "ended two"]
    assert notes[4:] == ["signalled server", "ended server"]
    assert time.monotonic() - begun < 3
    assert process.returncode == 0
    assert "Stopping: waiting for two, one, server. Ctrl-C again kills them.\n" in output
    assert output.endswith("Stopped.\n")


def test_a_second_ctrl_c_kills_everything(supervise: Supervise) -> None:
    """Including processes with sessions of their own."""
    process = supervise(section("stubborn", "stubborn.py"), up=1)
    wait_until(lambda: len(descendants(process.pid)) == 2)
    below = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=3)
    assert "Stopping: waiting for stubborn." in output
    assert "Killing everything at once." in output
    assert process.returncode == 130
    _, alive = psutil.wait_procs(below, timeout=3)
    assert alive == []


def test_a_worker_that_ignores_sigterm_is_killed_when_its_time_is_over(supervise: Supervise, tmp_path: Path) -> None:
    """By the options of the real configuration, with a shorter time; not before, and in production after the grace."""
    real = ConfigParser(interpolation=None)
    real.read(CHECKOUT / "deploy" / "supervisord.conf")
    options = {name: value for name, value in real["program:worker"].items() if "log" not in name and name != "command"}
    assert float(options["stopwaitsecs"]) == 28 > GRACE_SECONDS
    lines = [f"{name}={value}\n" for name, value in (options | {"stopwaitsecs": "2", "startsecs": "0"}).items()]
    process = supervise(section("worker", "stubborn.py", "".join(lines)), up=1)
    wait_until(lambda: len(descendants(process.pid)) == 2)
    worker, child = descendants(process.pid)
    begun = time.monotonic()
    process.terminate()
    process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - begun > 2, worker.is_running()) == (0, True, False)
    assert f"killing 'worker' ({worker.pid}) with SIGKILL" in (tmp_path / "supervisord.log").read_text()
    child.kill()  # it led a session of its own


def test_one_ctrl_c_that_arrives_twice_counts_once(supervise: Supervise, tmp_path: Path) -> None:
    """`timeout`, for example, signals a process and its group."""
    process = supervise(section("one", "program.py one 1"), up=1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert "ended one" in (tmp_path / "notes").read_text()


def test_a_closed_terminal_stops_and_does_not_restart(supervise: Supervise, tmp_path: Path) -> None:
    """supervisord itself would restart everything upon SIGHUP."""
    process = supervise(section("one", "program.py one 0"), up=1)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert (tmp_path / "notes").read_text().count("up one") == 1


def test_a_killed_program_is_restarted_and_reported(supervise: Supervise, tmp_path: Path) -> None:
    """One line that names the program and its log."""
    process = supervise(section("one", "program.py one 0", "autorestart=true\nstartsecs=0\n"), up=1)
    wait_until(lambda: len(descendants(process.pid)) == 1)
    descendants(process.pid)[0].kill()
    wait_until(lambda: (tmp_path / "notes").read_text().count("up one") == 2)
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert "one was killed and is restarted. See logs/one.log.\n" in output


def test_in_production_the_programs_lines_come_out_of_standard_output(supervise: Supervise) -> None:
    """/dev/fd/1 is not opened again, which fails for a terminal or a socket of another user."""
    process = supervise(SERVER_AND_CLIENTS, up=3, LOG_TO="stdout")
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert {"line of one", "line of two", "line of server"} <= set(output.splitlines())


LISTENER = """
[eventlistener:fatal]
command={python} -m deploy.fatal
events=PROCESS_STATE_FATAL
stdout_logfile=NONE
stderr_logfile={folder}/fatal.log
startsecs=0
"""
FAILING = """
[program:failing]
command={python} -c 'raise SystemExit(3)'
stdout_logfile=NONE
stderr_logfile=NONE
"""


def test_a_program_that_cannot_be_kept_running_stops_everything_with_an_error(
    supervise: Supervise, tmp_path: Path
) -> None:
    """The operator must notice; supervisord alone would continue without that program."""
    process = supervise(LISTENER + FAILING + "startretries=0\n" + section("one", "program.py one 0"), up=0)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert "everything is stopped" in (tmp_path / "fatal.log").read_text()


def test_stopping_while_a_program_waits_for_its_next_start_is_a_clean_stop(
    supervise: Supervise, tmp_path: Path
) -> None:
    """supervisord's own stop would mark it FATAL."""
    process = supervise(
        LISTENER + FAILING + "startretries=100\n" + section("one", "program.py one 1", "priority=1\n"), up=1
    )
    wait_until(lambda: "exited: failing" in (tmp_path / "supervisord.log").read_text())
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert (tmp_path / "fatal.log").read_text() == ""
