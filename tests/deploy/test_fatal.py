"""supervisord's event listener stops supervisord when a program cannot be kept running."""

import io
import os
import signal

import pytest

from deploy.fatal import DONE, READY, main

PAYLOAD = "processname:worker groupname:deal-queue from_state:BACKOFF"
EVENT = f"ver:3.0 server:supervisor serial:1 eventname:PROCESS_STATE_FATAL len:{len(PAYLOAD)}\n{PAYLOAD}"


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that were sent instead of being delivered: (process id, signal)."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, kind: sent.append((pid, kind)))
    return sent


def test_the_first_event_stops_supervisord(signals: list[tuple[int, int]], capsys: pytest.CaptureFixture[str]) -> None:
    """The event is read to its end and acknowledged, as the protocol demands."""
    events, results = io.StringIO(EVENT), io.StringIO()
    main(events, results)
    assert signals == [(os.getppid(), signal.SIGTERM)]
    assert events.read() == ""
    assert results.getvalue() == READY + DONE
    assert capsys.readouterr().err == "A program could not be kept running, so everything is stopped.\n"


def test_a_stop_without_an_event_signals_nothing(signals: list[tuple[int, int]]) -> None:
    """supervisord closes the pipe when it stops."""
    results = io.StringIO()
    main(io.StringIO(), results)
    assert (signals, results.getvalue()) == ([], READY)
