"""A restarted worker finds the runs of its dead incarnation by its name; two live workers must never share one."""

import os
import socket

import pytest

from core.settings import Settings
from pipeline.worker.entry import worker_name


def test_under_supervisord_the_name_is_the_same_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name consists of the program's name and the host's."""
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "worker")
    assert worker_name(Settings()) == f"worker@{socket.gethostname()}"


def test_a_worker_that_is_started_manually_has_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a second one would requeue the runs of the first."""
    monkeypatch.delenv("SUPERVISOR_PROCESS_NAME", raising=False)
    assert worker_name(Settings()) == f"worker-{os.getpid()}@{socket.gethostname()}"


def test_the_setting_takes_precedence() -> None:
    """For two installations on one host with the same database."""
    assert worker_name(Settings(worker_name="left")) == "left"
