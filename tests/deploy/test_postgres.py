"""The real embedded PostgreSQL: created, started, stopped and repaired."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from deploy.account import Account
from deploy.errors import StartError
from deploy.postgres import Cluster

CHECKOUT = Path(__file__).parents[2]
ROOT = os.geteuid() == 0

MakeCluster = Callable[[Path], Cluster]


def query(cluster: Cluster, statement: str) -> str:
    with psycopg.connect(cluster.url("postgres")) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture
def created(open_folder: Path, cluster_at: MakeCluster, new_data: Path) -> Cluster:
    """Created, not started."""
    subprocess.run(["cp", "-a", new_data, open_folder / "data"], check=True)
    return cluster_at(open_folder / "data")


@pytest.fixture
def started(created: Cluster) -> Cluster:
    created.start(created.data_dir.with_name("log"))
    return created


def test_a_new_cluster_is_postgresql_18_in_utf8_on_a_private_socket(started: Cluster) -> None:
    """No port is opened, other users cannot enter the socket's folder, and its path is short."""
    assert query(started, "SHOW server_version").startswith("18")
    locale = "SELECT concat_ws(' ', datlocprovider, datlocale, pg_encoding_to_char(encoding)) FROM pg_database"
    assert query(started, locale) == "b C.UTF-8 UTF8"
    assert query(started, "SHOW listen_addresses") == ""
    assert started.socket_dir.stat().st_mode & 0o777 == 0o700
    assert len(str(started.socket_dir)) < 60
    assert started.data_dir.stat().st_uid == started.account.uid != 0


def test_creating_it_again_changes_nothing(open_folder: Path, cluster_at: MakeCluster) -> None:
    """initdb runs once, and the database is created once."""
    started = cluster_at(open_folder / "data")
    assert [started.initdb(), started.initdb()] == [True, False]
    started.start(open_folder / "log")
    assert started.create_database() is True
    assert started.create_database() is False


def test_a_stop_does_not_wait_for_clients_and_leaves_no_process(started: Cluster) -> None:
    """Fast shutdown: the client is disconnected, all processes have ended, committed work is kept."""
    started.create_database("kept")
    with psycopg.connect(started.url("postgres")):
        begun = time.monotonic()
        started.stop()
        assert time.monotonic() - begun < 5
    assert not (started.data_dir / "postmaster.pid").exists()
    started.start(started.data_dir.with_name("log"))
    assert started.create_database("kept") is False


def test_a_killed_initdb_is_repaired(open_folder: Path, cluster_at: MakeCluster) -> None:
    """A killed initdb leaves no data folder; the next start creates a complete one."""
    cluster = cluster_at(open_folder / "data")
    make = "import sys, pathlib; from deploy.postgres import Cluster; Cluster.at(pathlib.Path(sys.argv[1])).initdb()"
    making = subprocess.Popen([sys.executable, "-c", make, open_folder / "data"], cwd=CHECKOUT, start_new_session=True)
    draft = open_folder / "data.new" / "base"
    while not draft.exists():
        assert making.poll() is None
        time.sleep(0.01)
    os.killpg(making.pid, signal.SIGKILL)
    making.wait()
    assert not cluster.data_dir.exists()
    assert cluster.initdb() is True
    cluster.start(open_folder / "log")
    assert sorted(path.name for path in open_folder.iterdir()) == ["data", "log"]


def test_a_server_that_outlived_its_supervisor_is_ended_first(started: Cluster, cluster_at: MakeCluster) -> None:
    """After kill -9 of the supervisor the old server still uses the data folder."""
    pid = query(started, "SELECT pg_postmaster_start_time()")
    heir = cluster_at(started.data_dir)
    heir.start(started.data_dir.with_name("log"))
    assert query(heir, "SELECT pg_postmaster_start_time()") != pid


def test_a_process_id_that_now_belongs_to_another_program_is_removed(created: Cluster) -> None:
    """In a container process ids are soon reused; PostgreSQL would refuse to start."""
    pid_file = created.data_dir / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{created.data_dir}\n")
    assert created.stop_leftover() is False
    assert not pid_file.exists()


def test_the_error_of_a_failed_start_quotes_the_log(created: Cluster) -> None:
    """Its last lines are in the message."""
    with (created.data_dir / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(StartError, match="no_such_setting"):
        created.start(created.data_dir.with_name("log"))


def test_a_folder_with_other_files_is_refused(open_folder: Path, cluster_at: MakeCluster) -> None:
    """A folder with other files, or of another PostgreSQL version, is refused and not changed."""
    cluster = cluster_at(open_folder / "data")
    (open_folder / "data").mkdir()
    (open_folder / "data" / "letter.txt").write_text("dear")
    with pytest.raises(StartError, match="is not empty"):
        cluster.initdb()
    (open_folder / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(StartError, match="PostgreSQL 15"):
        cluster.initdb()
    assert (open_folder / "data" / "letter.txt").read_text() == "dear"


@pytest.mark.skipif(not ROOT, reason="only root needs another user to run PostgreSQL")
def test_below_a_closed_folder_the_data_is_in_a_shelter(open_folder: Path, cluster_at: MakeCluster) -> None:
    """The server's user cannot enter a 0700 folder of root's, so the data is in /var/tmp, always in the same folder."""
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    cluster = cluster_at(closed / "data")
    assert cluster.placement.shelter is not None
    assert cluster.data_dir.parent == cluster.placement.shelter
    cluster.initdb()
    cluster.start(open_folder / "log")
    assert query(cluster, "SHOW data_directory") == str(cluster.data_dir)
    closed.chmod(0o711)
    assert Cluster.at(closed / "data").data_dir == cluster.data_dir


@pytest.mark.skipif(not ROOT, reason="root starts this as a plain user; a plain user does so in every other test")
def test_a_plain_user_runs_it_without_another_user(open_folder: Path, cluster_at: MakeCluster) -> None:
    """Without root, the server runs as the user who started it."""
    script = (
        "from deploy.postgres import throwaway_cluster\n"
        "with throwaway_cluster() as cluster:\n"
        "    print(cluster.account.name, cluster.create_database())"
    )
    account = cluster_at(open_folder / "data").account
    packages = f"{CHECKOUT}:{sysconfig.get_path('purelib')}"
    options = {"cwd": "/", "env": {"PATH": os.defpath, "PYTHONPATH": packages}, **account.popen_options()}
    command = [python_of(account), "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert done.stdout == f"{account.name} True\n", done.stderr


def python_of(account: Account) -> str:
    """A Python of our version that this user can start: the one of the tests may be in root's home."""
    if not account.succeeds("test", "-r", CHECKOUT / "pyproject.toml"):
        pytest.skip(f"the checkout is below a folder that {account.name} cannot enter")
    same = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3"):
        if account.succeeds(python, "-c", same):
            return python
    pytest.skip(f"{account.name} can start no Python {sys.version_info[0]}.{sys.version_info[1]} on this machine")
