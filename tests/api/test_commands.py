"""The commands that make credentials, and how a wrong setting looks."""

import hashlib
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.__main__ import app, run
from api.link import NotReady, base_url, wait_until_ready
from tests.api.application import settings_in


def test_token_prints_a_token_and_its_entry() -> None:
    """The entry holds the digest of what was printed, and nothing else does."""
    printed = CliRunner().invoke(app, ["token", "ci", "--role", "operator"]).stdout
    secret = re.search(r"Token, shown this once: (\S{43})\n", printed)
    assert secret
    assert f"ci:operator:{hashlib.sha256(secret[1].encode()).hexdigest()}" in printed


def test_a_role_that_there_is_not_is_refused() -> None:
    """With the ones that there are."""
    result = CliRunner().invoke(app, ["token", "ci", "--role", "root"])
    assert result.exit_code == 2
    assert "viewer" in result.output


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("API_TOKENS", "ci:root", "API_TOKENS: entry 1 is wrong: it has 2 parts"),
        ("PORT", "99999", "PORT: "),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
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
    error = capsys.readouterr().err
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_a_link_to_a_database_that_is_away_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """No traceback here either."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["api", "link"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert run() == 1
    assert capsys.readouterr().err.startswith("The database does not answer: ")


def test_waiting_for_an_api_that_does_not_come_ends(tmp_path: Path) -> None:
    """With what was tried and what was last heard."""
    with pytest.raises(NotReady, match=r"http://127\.0\.0\.1:1 was not ready within 0 seconds"):
        wait_until_ready(settings_in(tmp_path, port=1), patience_seconds=0.1)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("queue.example", "http://queue.example:8000"),
    ],
)
def test_a_link_leads_where_a_browser_can_go(tmp_path: Path, host: str, url: str) -> None:
    """An address for all interfaces is none to visit."""
    assert base_url(settings_in(tmp_path, host=host)) == url
