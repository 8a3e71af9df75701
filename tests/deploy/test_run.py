"""`python -m deploy.run`, as a person uses it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.instance import free_port, hold_lock

CHECKOUT = Path(__file__).parents[2]
SETTINGS = ("HOST", "PORT", "DATA_DIR", "DATABASE_URL", "HUBSPOT_TOKEN", "HUBSPOT_BASE_URL", "SANDBOX_PORT", "LOG_TO")
# Replaces each of the four processes: connects to the database as the real one does, and ends upon SIGTERM.
PROCESS = """
import os, signal, sys, threading, time
import psycopg
if sys.argv[1:] == ["link", "--wait"]:
    clients = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND query LIKE '%deals'"
    while True:
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
                while connection.execute(clients).fetchone()[0] < 4:
                    time.sleep(0.05)
            print("http://127.0.0.1/#code=once")
            sys.exit(0)
        except psycopg.OperationalError:
            time.sleep(0.1)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
while not stop.is_set():
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute("SELECT 1 FROM deals")
            stop.wait()
            connection.execute("SELECT 1 FROM deals")
            print(__package__, "left in time", flush=True)
    except psycopg.OperationalError:
        stop.wait(0.1)
"""


def environment(**settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return inherited | {"PYTHONPATH": str(CHECKOUT), "PORT": str(free_port())} | settings


def run(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.run"]
    return subprocess.run(
        command, cwd=folder, env=environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT: "),
        ({"HUBSPOT_BASE_URL": "https://example.org"}, "HUBSPOT_BASE_URL is set, but HUBSPOT_TOKEN is not"),
        ({"DATABASE_URL": "mysql://me@host/db"}, "DATABASE_URL: write it as postgresql://"),
        ({"DATABASE_URL": "postgresql://me@host/db", "PGSSLMODE": "on"}, "PGSSLMODE: write disable, "),
        ({"LOG_TO": "paper"}, "LOG_TO: "),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_changes_nothing(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    """Exit code 2, the setting's name, no folder is created."""
    done = run(tmp_path, **settings)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_one_sentence_and_changes_nothing(tmp_path: Path, taken_port: int) -> None:
    """It is checked before a folder is created."""
    done = run(tmp_path, PORT=str(taken_port))
    output = f"Port {taken_port} on 127.0.0.1 is taken by another program; set PORT to a free one.\n"
    assert (done.returncode, done.stderr) == (1, output)
    assert list(tmp_path.iterdir()) == []


def test_a_second_start_in_the_same_folder_names_the_first(tmp_path: Path) -> None:
    """By the lock, not by the port: the second start may use another port."""
    (tmp_path / ".data").mkdir()
    lock = hold_lock(tmp_path / ".data", "http://127.0.0.1:8123/")
    done = run(tmp_path)
    os.close(lock)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Deal Queue already runs with the data folder {tmp_path}/.data, at http://127.0.0.1:8123/;"
    )
    assert [path.name for path in (tmp_path / ".data").iterdir()] == ["lock"]


def test_a_database_that_refuses_us_is_named_without_its_password(tmp_path: Path, database_url: str) -> None:
    """The name of the setting and PostgreSQL's reason."""
    done = run(tmp_path, DATABASE_URL=database_url.replace("dealqueue@", "nobody_here:hidden@"))
    assert done.returncode == 2
    assert done.stderr.startswith("DATABASE_URL: PostgreSQL refuses the connection: ")
    assert "hidden" not in done.stderr


def start(folder: Path) -> subprocess.Popen[str]:
    """Returns when the line with the sign-in link was printed."""
    command = [sys.executable, "-m", "deploy.run"]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(PYTHONUNBUFFERED="1", PGPORT="1"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("Sign in: http://127.0.0.1/#code=once") for line in lines)
    return process


def test_everything_starts_with_one_command_and_ends_with_one_signal(open_folder: Path) -> None:
    """Twice: the first start creates everything, the second finds it. No client loses its database.

    A PGPORT in the environment has no effect.
    """
    for name in ("api", "pipeline", "scheduler", "sandbox"):
        (open_folder / name).mkdir()
        (open_folder / name / "__init__.py").touch()
        (open_folder / name / "__main__.py").write_text(PROCESS)
    secrets = []
    for kind in (signal.SIGINT, signal.SIGTERM):
        process = start(open_folder)
        process.send_signal(kind)
        output, _ = process.communicate(timeout=40)
        assert process.returncode == 0
        assert output.endswith("Stopped.\n")
        secrets.append((open_folder / ".data" / "admin-token").read_text())
    assert re.fullmatch(r"[\w-]{43}\n", secrets[0])
    assert secrets[0] == secrets[1]
    for name in ("admin-token", "database-url"):
        assert (open_folder / ".data" / name).stat().st_mode & 0o777 == 0o600
    assert not (open_folder / ".data" / "postgres" / "postmaster.pid").exists()
    worker_log = (open_folder / ".data" / "logs" / "worker.log").read_text()
    assert worker_log.count("pipeline left in time") == 2
    socket_dir = (open_folder / ".data" / "database-url").read_text().partition("host=")[2].strip()
    assert not Path(socket_dir).exists()
