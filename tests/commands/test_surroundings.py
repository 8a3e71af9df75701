"""A command where its settings file, its terminal or its user is not as usual."""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.commands.started import start
from tests.installation import ROOT

Environment = Mapping[str, str]
AWAY = {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"}


@pytest.mark.parametrize("user", ["caf\udce9", None], ids=["a name that is not text", "a number without a name"])
def test_a_person_is_recorded_whatever_the_system_calls_them(
    environment: Environment, user: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has paused the queue stands in the audit log."""
    if user is None:
        monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    named = {} if user is None else {"LOGNAME": user}
    assert start("pipeline pause", {**environment, **named}).code == 0
    shown = start("pipeline status", environment).shown
    assert f"by cli:{os.getuid() if user is None else 'caf?'} since" in shown


# What stands in `.env`, or lies there, and the sentence about it.
BROKEN = {
    "cp1252": ("HUBSPOT_TOKEN=pat-zw\xf6lf\n".encode("cp1252"), "cannot be read: the byte 0xF6 in line 1"),
    "UTF-16": ("PORT=8001\n".encode("utf-16"), "cannot be read: it is UTF-16 text."),
    "quote": (b'\nDATABASE_URL="postgresql://\n', ", line 2: the quotation mark is not closed"),
    "twice": (b"PORT=8001\nPORT=8002\n", ", line 2: PORT has another value than in line 1."),
    "folder": (None, "cannot be read: it is a folder."),
}
# One of each program: they read the file in the same way. The first three would not end.
PROGRAMS = (
    "api", "pipeline", "scheduler", "sandbox",
    "api link", "pipeline status", "pipeline bulk show 1", "scheduler --once", "crm check", "crm setup",
)  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_settings_file_that_cannot_be_read_is_exit_code_2(environment: Environment, kind: str) -> None:
    """In one sentence that names the file, before anything is connected."""
    content, sentence = BROKEN[kind]
    file = Path(".env")
    file.mkdir() if content is None else file.write_bytes(content)
    for program in PROGRAMS:
        done = start(program, environment)
        assert (done.code, done.shown, done.problem.count("\n")) == (2, "", 1), (program, done)
        assert done.problem.startswith(".env"), program
        assert sentence in done.problem, (program, done)


def test_a_terminal_of_another_encoding_gets_the_sentences(environment: Environment) -> None:
    """A real process, because a test's output takes any text; and `make run` reads `.env` as well."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", **environment}
    command = [sys.executable, "-m", "crm", "check"]
    done = subprocess.run(command, env={**variables, **AWAY}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("? No connection to HubSpot"), done.stderr) == (1, True, "")
    Path(".env").write_bytes(b"\xff")
    command = [sys.executable, "-m", "deploy.run"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ".env cannot be read: the byte 0xFF in line 1 is not UTF-8 text. Save the file as UTF-8.\n"
