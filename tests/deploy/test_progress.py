"""One line for each step of the start."""

import pytest

from deploy import progress
from deploy.progress import Progress


def test_a_step_is_reported_when_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """Without the duration of a short step, and without a spinner where there is no terminal."""
    with Progress().step("Waiting for [the] database"):
        assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "Waiting for [the] database: done\n"


def test_the_duration_of_a_longer_step_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PRINTED_FROM_SECONDS", -1.0)
    with Progress().step("Migrating"):
        pass
    assert capsys.readouterr().out == "Migrating: done (0 s)\n"


def test_a_failed_step_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="disk is full"), Progress().step("Migrating"):
        raise OSError("the disk is full")
    assert capsys.readouterr().out == ""
