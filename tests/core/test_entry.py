"""Every process and every command refuses a wrong setting in one sentence on standard error, with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parent.parent.parent
# Every way to start a program of ours, each as a person or supervisord types it.
ENTRY_POINTS = (
    "api",
    "api link",
    "pipeline",
    "pipeline status",
    "pipeline bulk show 1",
    "scheduler",
    "scheduler --once",
    "crm check",
    "sandbox",
    "migrations",
    "deploy.run",
)


def start(folder: Path, command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run it in an empty folder, with these settings and no others."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    return subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ENTRY_POINTS)
def test_a_setting_of_the_wrong_type_is_one_sentence_and_exit_code_2(tmp_path: Path, command: str) -> None:
    """The sentence names the setting; there is no traceback, and nothing is created."""
    done = start(tmp_path, command, PORT="abc")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("PORT: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["pipeline", "scheduler", "scheduler --once"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HUBSPOT_TOKEN": ""}, "HUBSPOT_TOKEN is not set."),
        ({"HUBSPOT_TOKEN": "pat-x"}, "No database: DATABASE_URL is not set"),
    ],
)
def test_a_missing_setting_is_reported_before_anything_is_connected(
    tmp_path: Path, command: str, settings: dict[str, str], sentence: str
) -> None:
    """Here no server listens: a process that connected first would wait for the database."""
    done = start(tmp_path, command, **settings)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["pipeline", "scheduler"])
def test_a_process_that_refuses_to_start_stores_why_for_the_page(
    tmp_path: Path, database_url: str, command: str
) -> None:
    """A person at the page does not see its log."""
    settings = {"DATABASE_URL": database_url, "HUBSPOT_TOKEN": "pat-x", "RULES_FILE": str(tmp_path / "none.toml")}
    done = start(tmp_path, command, **settings)
    assert done.returncode == 2, done.stderr
    with psycopg.connect(database_url) as connection:
        reasons = connection.execute("SELECT reason FROM process_failures").fetchall()
    assert [(f"{reason}\n",) for (reason,) in reasons] == [(done.stderr,)]


def test_a_worker_that_waits_for_the_database_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """At once: it holds no run."""
    settings = {"DATABASE_URL": "postgresql://absent@127.0.0.1:1/none", "HUBSPOT_TOKEN": "pat-x"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings}
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert "database.waiting" in worker.stdout.readline()
        worker.terminate()
        assert worker.wait(5) == 0


def test_a_wrong_api_token_is_a_wrong_setting(tmp_path: Path) -> None:
    """API_TOKENS is parsed by the API itself, after the other settings."""
    done = start(tmp_path, "api", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", API_TOKENS="ci:root")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("API_TOKENS: ")
    assert done.stderr.count("\n") == 1
