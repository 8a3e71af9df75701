"""supervisord's event listener stops supervisord when a program cannot be kept running."""

import io
import os
import signal

import pytest

from deploy import orphans
from deploy.fatal import DONE, READY, main

PAYLOAD = "processname:worker groupname:deal-queue from_state:BACKOFF"
EVENT = f"ver:3.0 server:supervisor serial:1 eventname:PROCESS_STATE_FATAL len:{len(PAYLOAD)}\n{PAYLOAD}"


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that were sent instead of being delivered: (process id, signal). No parent is waited for."""
    monkeypatch.setattr(orphans, "PARENT_SECONDS", 0)
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, kind: sent.append((pid, kind)))
    return sent


def test_an_event_stops_supervisord(signals: list[tuple[int, int]], capfd: pytest.CaptureFixture[str]) -> None:
    """The event is read to its end and acknowledged, as the protocol demands; then the next one is awaited."""
    events, results = io.StringIO(EVENT), io.StringIO()
    main(events, results, supervisor=os.getppid(), on_orphaned=pytest.fail)
    assert signals == [(os.getppid(), signal.SIGTERM)]
    assert events.read() == ""
    assert results.getvalue() == READY + DONE + READY
    assert capfd.readouterr().err == "A program could not be kept running, so everything is stopped.\n"


def test_a_pipe_that_ends_while_supervisord_lives_signals_nothing(signals: list[tuple[int, int]]) -> None:
    """supervisord closes it when it stops, and stops the programs itself."""
    results = io.StringIO()
    main(io.StringIO(), results, supervisor=os.getppid(), on_orphaned=pytest.fail)
    assert (signals, results.getvalue()) == ([], READY)


def test_a_pipe_that_ends_with_supervisord_stops_its_programs(signals: list[tuple[int, int]]) -> None:
    """Our parent is another process then."""
    orphaned: list[int] = []
    main(io.StringIO(), io.StringIO(), supervisor=4711, on_orphaned=lambda: orphaned.append(1))
    assert (signals, orphaned) == ([], [1])
