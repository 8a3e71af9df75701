"""Settings are read from the environment; errors name wrong ones, and secrets are never shown."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import HUBSPOT_API, Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without `.env`, an environment without our settings."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_setting_has_a_default_that_works() -> None:
    """No setting is required."""
    settings = Settings.load()
    assert (settings.port, settings.sync_interval, settings.uses_sandbox) == (8000, 5, True)


def test_with_a_token_the_sync_interval_is_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 s with HubSpot, unless it is set."""
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-secret")
    assert (Settings.load().sync_interval, Settings.load().uses_sandbox) == (300, False)
    monkeypatch.setenv("SYNC_INTERVAL_SECONDS", "30")
    assert Settings.load().sync_interval == 30


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them in one error, by the name of the environment variable."""
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("WORKER_CONCURRENCY", "0")
    with pytest.raises(ConfigurationError, match=r"PORT: .*integer.*WORKER_CONCURRENCY: .*greater"):
        Settings.load()


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line `PORT=` in .env means the default."""
    monkeypatch.setenv("PORT", "")
    assert Settings.load().port == 8000


def test_the_environment_takes_precedence_over_dot_env(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that only `.env` sets is used."""
    (elsewhere / ".env").write_text("PORT=9001\nLOG_LEVEL=debug\n")
    assert (Settings.load().port, Settings.load().log_level) == (9001, "DEBUG")
    monkeypatch.setenv("PORT", "9002")
    assert Settings.load().port == 9002


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed contains neither a token nor a password."""
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:canary@host/db")
    assert "canary" not in repr(Settings.load()) + str(Settings.load())


def test_the_embedded_database_is_found_by_its_file(elsewhere: Path) -> None:
    """A command in another shell uses the server that `make run` has started."""
    with pytest.raises(ConfigurationError, match="make run"):
        Settings.load().database()
    (elsewhere / ".data").mkdir()
    (elsewhere / ".data" / "database-url").write_text("postgresql://dealqueue@/dealqueue?host=/tmp/x\n")
    assert Settings.load().database() == "postgresql://dealqueue@/dealqueue?host=/tmp/x"


def test_dot_env_may_begin_with_a_byte_order_mark(elsewhere: Path) -> None:
    """As editors of Windows write it: the mark is no part of the first name."""
    (elsewhere / ".env").write_bytes(b"\xef\xbb\xbfPORT=9001\r\n")
    assert Settings.load().port == 9001


def test_a_value_that_is_not_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable may hold any bytes; neither the database, a header nor a log takes them."""
    for name in ("DATABASE_URL", "DATA_DIR", "WORKER_NAME", "RULES_FILE", "HUBSPOT_TOKEN", "PORT", "API_TOKENS"):
        monkeypatch.setenv(name, "caf\udce9")
        with pytest.raises(ConfigurationError, match=rf"^{name}: the value is not UTF-8 text$"):
            Settings.load()
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "name",
    [
        "SYNC_INTERVAL_SECONDS", "LEASE_SECONDS", "REAPER_INTERVAL_SECONDS", "LEADER_TTL_SECONDS", "OVERLAP_SECONDS",
        "SETTLE_SECONDS", "SYNC_HOLD_ABOVE", "WATCHDOG_SECONDS", "SANDBOX_DEALS", "RETENTION_DAYS",
        "SYNC_RUNS_RETENTION_DAYS", "AUDIT_RETENTION_DAYS", "WORKER_CONCURRENCY", "PORT", "SANDBOX_PORT",
    ],
)  # fmt: skip
def test_no_number_is_too_large_for_a_time_or_a_column(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every number of a setting has a bound."""
    for value in ("99999999999", "inf", "nan"):
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigurationError, match=rf"^{name}: "):
            Settings.load()


def test_the_files_of_the_data_folder_are_read_or_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their path, in one sentence; a sandbox that was not started is no mistake."""
    folder = elsewhere / ".data"
    folder.write_text("a file")
    for read in (Settings.database, Settings.hubspot_url, Settings.hubspot_credential):
        with pytest.raises(ConfigurationError, match=r"^\.data/[a-z]+-url cannot be read: Not a directory\.$"):
            read(Settings.load())
    folder.unlink()
    folder.mkdir()
    assert Settings.load().hubspot_url() == HUBSPOT_API
    for content in (b"", b"\xe4", b"\xff\xfeh", b"mysql://x", b"http://127.0.0.1:1", b"http://127.0.0.1:1 a token"):
        for name in ("database-url", "sandbox-url"):
            (folder / name).write_bytes(content)
        for read in (Settings.database, Settings.hubspot_url, Settings.hubspot_credential):
            with pytest.raises(ConfigurationError, match=r"^\.data/[a-z]+-url (cannot be read: |does not hold the )"):
                read(Settings.load())
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-secret")
    assert Settings.load().hubspot_url() == HUBSPOT_API
