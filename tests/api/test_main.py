"""The commands that create credentials, and how a wrong setting is reported."""

import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.__main__ import app, run


def test_token_prints_a_token_and_its_entry() -> None:
    """The entry has the digest of the printed token."""
    printed = CliRunner().invoke(app, ["token", "ci", "--role", "operator"]).stdout
    secret = re.search(r"Token, shown this once: (\S{43})\n", printed)
    assert secret
    assert f"ci:operator:{hashlib.sha256(secret[1].encode()).hexdigest()}" in printed


def test_an_unknown_role_is_refused() -> None:
    """The error lists the roles."""
    result = CliRunner().invoke(app, ["token", "ci", "--role", "root"])
    assert result.exit_code == 2
    assert "viewer" in result.output


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("API_TOKENS", "ci:root", "API_TOKENS: entry 1 is invalid: it has 2 parts"),
        ("PORT", "99999", "PORT: "),
    ],
)
def test_a_wrong_setting_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    setting: str,
    value: str,
    sentence: str,
) -> None:
    """On standard error, with exit code 2 and without a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["api"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv(setting, value)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    error = capfd.readouterr().err
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_link_reports_that_the_database_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without a traceback, with the exit code of every other command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["api", "link"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("The database is unavailable: ")
