"""supervisord with our messages, with programs that obey signals and programs that ignore them."""

import signal
import subprocess
import time
from configparser import ConfigParser
from pathlib import Path

import psutil
import pytest

from deploy.processes import descendants
from pipeline.worker.entry import GRACE_SECONDS
from tests.deploy.supervision import CHECKOUT, LISTENER, Supervise, section, wait_until

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


REFUSING = """
[program:refusing]
command={python} {folder}/refusing.py
redirect_stderr=true
stdout_logfile={folder}/refusing.log
startretries=100
"""


@pytest.mark.parametrize("up_seconds", [0, 0.3])
def test_a_program_with_a_wrong_setting_is_reported_in_its_own_words_and_not_restarted_at_once(
    supervise: Supervise, tmp_path: Path, up_seconds: float
) -> None:
    """Once, whether it was up for a moment or not; the others go on."""
    (tmp_path / "refusing.py").write_text(
        f"import sys, time; print('{{\"event\": 1}}', flush=True); time.sleep({up_seconds}); "
        "sys.stderr.write('WRITE_BACK is on.\\n'); open(sys.argv[0] + '.up', 'a').write('x'); sys.exit(2)"
    )
    started = "startsecs=0\n" if up_seconds else ""
    process = supervise(LISTENER + REFUSING + started + section("one", "program.py one 0"), up=1)
    wait_until(lambda: "exited: refusing" in (tmp_path / "supervisord.log").read_text())
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)  # supervisord itself starts it again after one second, or at once
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert (tmp_path / "refusing.py.up").read_text() == "x"
    assert output.count("refusing") == 2  # its name and that of its log
    assert "refusing does not start: WRITE_BACK is on. It tries again every 60 s. See logs/refusing.log.\n" in output
    assert (process.returncode, (tmp_path / "fatal.log").read_text()) == (0, "")
