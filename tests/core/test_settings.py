"""Settings are read from the environment; errors name wrong ones, and secrets are never shown."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import Settings


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
