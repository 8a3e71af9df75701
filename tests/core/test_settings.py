"""Settings: read from the environment, wrong ones named, secrets never shown."""

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
    """Nothing has to be set."""
    settings = Settings.load()
    assert (settings.port, settings.sync_interval, settings.uses_sandbox) == (8000, 5, True)


def test_with_a_token_the_sync_is_gentler(monkeypatch: pytest.MonkeyPatch) -> None:
    """300 s with HubSpot, unless told otherwise."""
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-secret")
    assert (Settings.load().sync_interval, Settings.load().uses_sandbox) == (300, False)
    monkeypatch.setenv("SYNC_INTERVAL_SECONDS", "30")
    assert Settings.load().sync_interval == 30


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them at once, by the name that a person typed."""
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("WORKER_CONCURRENCY", "0")
    with pytest.raises(ConfigurationError, match=r"PORT: .*integer.*WORKER_CONCURRENCY: .*greater"):
        Settings.load()


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line `PORT=` in .env is not a mistake."""
    monkeypatch.setenv("PORT", "")
    assert Settings.load().port == 8000


def test_dot_env_is_read_and_the_environment_goes_first(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As people expect of `.env`."""
    (elsewhere / ".env").write_text("PORT=9001\nLOG_LEVEL=debug\n")
    assert (Settings.load().port, Settings.load().log_level) == (9001, "DEBUG")
    monkeypatch.setenv("PORT", "9002")
    assert Settings.load().port == 9002


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a token nor a password stands in what is printed."""
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-na1-canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:canary@host/db")
    assert "canary" not in repr(Settings.load()) + str(Settings.load())


def test_the_embedded_database_is_found_by_its_file(elsewhere: Path) -> None:
    """A command typed in another shell uses the server that `make run` has started."""
    with pytest.raises(ConfigurationError, match="make run"):
        Settings.load().database()
    (elsewhere / ".data").mkdir()
    (elsewhere / ".data" / "database-url").write_text("postgresql://dealqueue@/dealqueue?host=/tmp/x\n")
    assert Settings.load().database() == "postgresql://dealqueue@/dealqueue?host=/tmp/x"
