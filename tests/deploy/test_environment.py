"""deploy/supervisord.conf with the environment that deploy/run.py prepares."""

import sys
from pathlib import Path

import pytest

from core.settings import Settings
from deploy.environment import base_environment, sandbox_environment, supervisor_environment
from deploy.run import CONFIGURATION
from deploy.supervise import STOP_SECONDS, Options

SLOWEST_TURNS_SECONDS = 2


def realize(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Options:
    """supervisord's options for a data folder, without an embedded server."""
    (data_dir / "logs").mkdir(parents=True)
    settings = Settings(data_dir=data_dir, database_url="postgresql://me@host/db")
    environment = base_environment(settings, data_dir)
    for name, value in (environment | supervisor_environment(settings, data_dir, data_dir, None)).items():
        monkeypatch.setenv(name, value)
    options = Options()
    options.realize(["-c", str(CONFIGURATION)])
    return options


def test_clients_stop_before_their_servers_and_all_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Groups stop by falling priority, the programs of a group together: in less than 40 s even if all ignore it."""
    groups = sorted(realize(monkeypatch, tmp_path / "data").process_group_configs, reverse=True)
    assert [group.name for group in groups] == ["deal-queue", "sandbox", "postgres", "fatal"]
    waits = [max(program.stopwaitsecs for program in group.process_configs) for group in groups[:3]]
    assert sum(waits) + SLOWEST_TURNS_SECONDS <= STOP_SECONDS


@pytest.mark.parametrize("name", ["plain", "100% sure", "a 'quoted' name", "semi;colon #1"])
def test_any_folder_name_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """Percent signs, quotes and comment characters in paths are not interpreted by supervisord."""
    options = realize(monkeypatch, tmp_path / name)
    programs = {program.name: program for group in options.process_group_configs for program in group.process_configs}
    assert programs["worker"].stdout_logfile == str(tmp_path / name / "logs" / "worker.log")
    assert options.pidfile == str(tmp_path / name / "supervisord.pid")
    assert programs["worker"].make_process().get_execv_args()[1] == [sys.executable, "-m", "pipeline"]


def test_programs_that_a_setting_replaces_are_not_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With DATABASE_URL, no embedded server is started; without HUBSPOT_TOKEN, the sandbox is."""
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    options = realize(monkeypatch, tmp_path / "data")
    started = {
        program.name: program.autostart for group in options.process_group_configs for program in group.process_configs
    }
    assert started["postgres"] is False
    assert started["sandbox"] is True
    assert started["worker"] is True


def test_the_sandbox_is_synced_more_often_than_hubspot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every 5 and every 300 seconds, unless it is set."""
    monkeypatch.delenv("SYNC_INTERVAL_SECONDS", raising=False)
    seconds = [
        base_environment(Settings(data_dir=tmp_path, hubspot_token=token), tmp_path)["SYNC_INTERVAL_SECONDS"]
        for token in (None, "pat-na1-any")
    ]
    assert seconds == ["5", "300"]


def test_the_sandboxs_token_is_new_each_time() -> None:
    """It is valid for one start."""
    assert sandbox_environment(1)["HUBSPOT_TOKEN"] != sandbox_environment(1)["HUBSPOT_TOKEN"]
