"""By its name a worker finds what its dead incarnation held; two that live must never share one."""

import os
import socket

import pytest

from core.settings import Settings
from pipeline.worker.entry import worker_name


def test_under_supervisord_the_name_is_the_same_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made of the program's name and the host's."""
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "worker")
    assert worker_name(Settings()) == f"worker@{socket.gethostname()}"


def test_a_worker_started_by_hand_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a second one would take the runs of the first for its own."""
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    assert worker_name(Settings()) == f"worker-{os.getpid()}@{socket.gethostname()}"


def test_a_name_that_is_set_goes_first() -> None:
    """For two installations on one host that share a database."""
    assert worker_name(Settings(worker_name="left")) == "left"
