"""The programs of a supervisord that was killed end, servers after their clients."""

import subprocess
from pathlib import Path

import psutil

from deploy.processes import descendants
from tests.deploy.supervision import LISTENER, Supervise, section, wait_until


def left_after_kill(supervisord: subprocess.Popen[str]) -> list[psutil.Process]:
    """The programs that do not end by themselves; they are killed, so that a failed test leaves none behind."""
    below = descendants(supervisord.pid)
    supervisord.kill()
    _, left = psutil.wait_procs(below, timeout=10)
    for process in left:
        process.kill()
    return left


def test_programs_end_when_supervisord_was_killed_and_servers_after_their_clients(
    supervise: Supervise, tmp_path: Path
) -> None:
    """SIGKILL: the kernel signals the clients, and the listener the servers once the clients have ended."""
    (tmp_path / "logs").mkdir()
    programs = section("worker", "program.py worker 0.5") + section("postgres", "program.py postgres 0")
    process = supervise(LISTENER + programs + section("sandbox", "program.py sandbox 0"), up=3, DATA_DIR=str(tmp_path))
    wait_until(lambda: len(descendants(process.pid)) == 4)
    assert left_after_kill(process) == []
    # Kernel and listener may both signal a client.
    notes = [line for line in dict.fromkeys((tmp_path / "notes").read_text().splitlines()) if line[:2] != "up"]
    assert notes == [f"{what} {name}" for name in ("worker", "sandbox", "postgres") for what in ("signalled", "ended")]
    assert (tmp_path / "logs" / "fatal.log").read_text() == "supervisord was killed, so its programs are stopped.\n"


def test_clients_end_even_if_the_listener_was_killed_with_supervisord(supervise: Supervise, tmp_path: Path) -> None:
    """`pkill -9 python`, or a lack of memory. A client that is just starting dies of the signal."""
    starting = "\n[program:starting]\ncommand=sleep 600\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
    process = supervise(section("worker", "program.py worker 0") + starting, up=1)
    wait_until(lambda: len(descendants(process.pid)) == 2)
    assert left_after_kill(process) == []
    assert "ended worker" in (tmp_path / "notes").read_text()
