"""The messages at the terminal while Deal Queue runs and stops."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.terminal import Terminal, last_sentence

Printed = Callable[[], list[str]]


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> Printed:
    """The lines since the last call."""
    return lambda: list(capfd.readouterr().out.splitlines())


def event(name: str, **fields: Any) -> Any:
    """An event of supervisord about that program."""
    program = {"exitstatus": fields.pop("status", 0), "backoff": fields.pop("tries", 0)}
    config = SimpleNamespace(name=name, stdout_logfile=fields.pop("log", None))
    return SimpleNamespace(process=SimpleNamespace(config=config, **program), **fields)


def test_only_whole_lines_are_copied(printed: Printed) -> None:
    """A line that arrives in parts is printed when it is complete, also between the lines of another program."""
    shown = Terminal(None)
    shown.copy_output(event("worker", data=b"one\ntw"))
    shown.copy_output(event("api", data=b"listening\n"))
    shown.copy_output(event("worker", data=b"o\n\xff\n"))
    assert printed() == ["one", "listening", "two", "\ufffd"]


def test_the_sign_in_link_is_announced(printed: Printed) -> None:
    """When the announcer exits, its message names the logs, or says that there is no link."""
    shown = Terminal(".data/logs")
    shown.copy_output(event("announce", data=b"http://127.0.0.1:8000/#code=once\n"))
    shown.report_exit(event("announce", expected=True))
    assert printed() == [
        "Sign in: http://127.0.0.1:8000/#code=once",
        "Logs: .data/logs. Ctrl-C stops everything.",
    ]
    shown.report_exit(event("announce", expected=False))
    assert printed() == [
        "No sign-in link could be created; `.venv/bin/python -m api link` tries again. See .data/logs/announce.log."
    ]


def test_an_exit_is_reported_with_its_log(printed: Printed) -> None:
    """Without a log file where the logs are at the terminal."""
    Terminal(".data/logs").report_exit(event("worker", status=-1, expected=False))
    Terminal(None).report_exit(event("worker", status=3, expected=False))
    assert printed() == [
        "worker was killed and is restarted. See .data/logs/worker.log.",
        "worker exited with status 3 and is restarted.",
    ]


def test_of_repeated_failures_the_first_and_every_fifth_is_reported(printed: Printed) -> None:
    shown = Terminal(None)
    for tries in range(1, 11):
        shown.report_backoff(event("worker", tries=tries), 1)
    assert printed() == [
        "worker exited right after its start; it is started again.",
        "worker does not stay up after 5 starts; it is started again.",
        "worker does not stay up after 10 starts; it is started again.",
    ]


def test_a_stop_is_reported_when_what_it_waits_for_changes(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most once a second, and again after five seconds without a change; the announcer is no part of it."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    shown = Terminal(None)
    shown.report_stop(["worker", "api", "announce", "fatal"], 0)
    assert printed() == ["", "Stopping: waiting for worker, api. Ctrl-C again kills them."]
    now += 0.5
    shown.report_stop(["worker"], 0.5)
    assert printed() == []
    now += 0.5
    shown.report_stop(["worker"], 1.0)
    assert printed() == ["Stopping: still waiting for worker (1 s)."]
    now += 4.9
    shown.report_stop(["worker"], 5.9)
    assert printed() == []
    now += 0.1
    shown.report_stop(["worker"], 6.0)
    assert printed() == ["Stopping: still waiting for worker (6 s)."]
    now += 9
    shown.report_stop(["fatal"], 15)
    shown.report_exit(event("worker", status=0, expected=True))
    shown.report_backoff(event("worker", tries=1), None)
    assert printed() == []


def test_a_line_is_printed_once(printed: Printed) -> None:
    shown = Terminal(None)
    shown.print_once("Killing everything at once.")
    shown.print_once("Killing everything at once.")
    assert printed() == ["Killing everything at once."]


def test_a_refusal_is_printed_once_and_again_when_it_is_another_one(printed: Printed, tmp_path: Path) -> None:
    """The last line of the program's log, unless it is an event of the log."""
    log = tmp_path / "worker.log"
    worker = event("worker", log=str(log)).process
    shown = Terminal("logs")
    for line in ("WRITE_BACK is on.", "WRITE_BACK is on.", "RULES_FILE: no such file.", '{"event": "worker.stopped"}'):
        with log.open("a") as file:
            file.write(f'{{"event": "x"}}\n{line}\n')
        shown.report_refusal(worker, 60)
    assert printed() == [
        "worker does not start: WRITE_BACK is on. It tries again every 60 s. See logs/worker.log.",
        "worker does not start: RULES_FILE: no such file. It tries again every 60 s. See logs/worker.log.",
        "worker does not start: it exited with status 2. It tries again every 60 s. See logs/worker.log.",
    ]


@pytest.mark.parametrize("log_file", [None, "/nowhere/worker.log"])
def test_without_a_log_file_there_is_no_sentence(log_file: str | None) -> None:
    """In containers the program's lines are at the terminal already."""
    assert last_sentence(log_file) == ""


def test_a_program_that_ends_with_a_sentence_has_it_printed_once(printed: Printed, tmp_path: Path) -> None:
    """With the first report of its failures; one that was killed has said nothing."""
    log = tmp_path / "api.log"
    log.write_text("Cannot listen on 127.0.0.1:8000.\n")
    shown = Terminal(None)
    shown.report_exit(event("api", log=str(log), status=-1))
    shown.report_backoff(event("api", log=str(log), tries=1), -9)
    for tries in (1, 5):
        shown.report_backoff(event("api", log=str(log), tries=tries), 1)
    shown.report_exit(event("api", log=str(log), status=1))
    assert printed() == [
        "api was killed and is restarted.",
        "api exited right after its start; it is started again.",
        "api exited right after its start; it is started again. Cannot listen on 127.0.0.1:8000.",
        "api does not stay up after 5 starts; it is started again.",
        "api exited with status 1 and is restarted.",
    ]
