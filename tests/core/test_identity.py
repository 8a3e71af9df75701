"""A process's name is its own, and on one machine it can be proved that a process has ended."""

import os
import socket
import subprocess
import sys

import pytest

from core.identity import INSTANCE_VARIABLE, has_ended, process_name, this_process
from tests.processes import ended_process

HOST = socket.gethostname()


def test_under_make_run_the_name_is_the_same_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the installation: another one on this host, or on one of the same name, has other names."""
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "worker")
    monkeypatch.setenv(INSTANCE_VARIABLE, "1a2b3c4d")
    assert process_name("worker") == process_name("worker") == f"worker@{HOST}/1a2b3c4d"


@pytest.mark.parametrize("under", [None, "worker"])
def test_any_other_process_gets_a_new_name_at_each_start(monkeypatch: pytest.MonkeyPatch, under: str | None) -> None:
    """In a container without its own data folder, started manually, or under a supervisord that is not ours."""
    monkeypatch.delenv(INSTANCE_VARIABLE, raising=False)
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    if under:
        monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", under)
    first, second = process_name("worker"), process_name("worker")
    assert first != second
    assert first.startswith(f"worker-{os.getpid()}@{HOST}/")


def test_a_living_process_has_not_ended() -> None:
    assert has_ended(this_process()) is False


def test_a_process_whose_id_is_free_has_ended() -> None:
    assert has_ended(ended_process()) is True


def test_a_zombie_has_ended() -> None:
    """In a container the first process may never ask for its exit code."""
    with subprocess.Popen([sys.executable, "-c", "from core.identity import *; print(this_process())"],
                          stdout=subprocess.PIPE, text=True) as child:  # fmt: skip
        assert child.stdout is not None
        text = child.stdout.read().strip()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(text) is True


def test_a_process_id_that_was_given_to_a_later_process_has_ended() -> None:
    place, started = (this_process() or "").rsplit("/", 1)
    assert has_ended(f"{place}/{int(started) - 1}") is True


@pytest.mark.parametrize("process", [None, "", "boot/pid:[1]/1/1", "odd", "boot/pid:[1]/1"])
def test_of_another_machine_or_container_nothing_is_known(process: str | None) -> None:
    assert has_ended(process) is None
