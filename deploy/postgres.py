"""The embedded PostgreSQL 18: created once, run in the foreground, reached through a Unix socket only."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from core.session_settings import SessionSettings
from deploy.errors import StartError
from deploy.folders import own_folder
from deploy.placement import Placement, find_placement
from deploy.processes import end, working_folder

MAJOR = "18"
SUPERUSER = "dealqueue"
DATABASE = "dealqueue"
PORT = 5432
START_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.02  # pg_ctl polls postmaster.pid too, to learn that the server is ready
LOG_TAIL_LINES = 8

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}
# For data that may be lost: in tests.
TEMPORARY = Path("/tmp")  # noqa: S108 - mkdtemp creates a new folder, or fails
FAST_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "io_method": "sync",  # saves three I/O workers for a cluster that lives for seconds
}


class Cluster:
    """One data folder and the server that serves it.

    The caller must be the only user of the data folder: `make run` holds a lock, each test has a folder of its own.
    """

    def __init__(self, placement: Placement, *, fast: bool = False) -> None:
        self.placement = placement
        self.account = placement.account
        self.data_dir = placement.data_dir
        self.socket_dir = placement.socket_dir
        self.fast = fast
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, data_dir: Path, *, fast: bool = False) -> "Cluster":
        """The cluster whose data should be in `data_dir`; they are elsewhere when its user cannot reach that folder."""
        return cls(find_placement(data_dir), fast=fast)

    def url(self, database: str = DATABASE) -> str:
        """With its port: PGPORT in the environment means another server."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.socket_dir))}&port={PORT}"

    def initdb(self) -> bool:
        """Create the cluster unless it exists; True when it was created. A killed initdb leaves nothing behind."""
        if (self.data_dir / "PG_VERSION").exists():
            self._check_version()
            return False
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise StartError(f"{self.data_dir} is not empty and contains no PostgreSQL data; remove it first.")
        draft = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        own_folder(draft, uid=self.account.uid, gid=self.account.gid, mode=0o700)
        self._run_initdb(draft)
        draft.replace(self.data_dir)
        return True

    def _check_version(self) -> None:
        found = (self.data_dir / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise StartError(
                f"{self.data_dir} was created by PostgreSQL {found}, this release contains {MAJOR}; "
                "dump it with the old release and restore it, or set another DATA_DIR."
            )

    def _run_initdb(self, folder: Path) -> None:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
        access = [f"--username={SUPERUSER}", "--auth=trust"]  # no other user can enter the socket's folder
        durability = ["--no-sync"] if self.fast else []
        command = [self._program("initdb"), f"--pgdata={folder}", *locale, *access, *durability]
        options = {"cwd": "/", "env": _environment(), **self.account.popen_options()}
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            raise StartError(f"PostgreSQL's data folder could not be created in {folder}: {_tail(done.stderr)}")

    def command(self) -> list[str]:
        """The server in the foreground. SIGINT is its fast shutdown; SIGTERM would wait for its clients."""
        settings = {**SETTINGS, **(FAST_SETTINGS if self.fast else {}), "unix_socket_directories": str(self.socket_dir)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", str(self.data_dir), *options]

    def command_line(self) -> str:
        return shlex.join(self.command())

    def _program(self, name: str) -> str:
        return str(self.placement.bin_dir / name)

    def start(self, log_file: Path, *, timeout_seconds: float = START_SECONDS) -> None:
        """Start the server and return once it accepts connections; StartError ends with the last lines of its log."""
        self.stop_leftover()
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that Ctrl-C does not reach the server, which stop() shuts down
                **self.account.popen_options(),
            )
        try:
            self._wait_until_ready(self._process, log_file, time.monotonic() + timeout_seconds)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log_file: Path, deadline: float) -> None:
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                raise StartError(f"PostgreSQL did not start: {_tail(log_file.read_text(errors='replace'))}")
            if time.monotonic() > deadline:
                raise StartError(f"PostgreSQL was not ready in time: {_tail(log_file.read_text(errors='replace'))}")
            time.sleep(POLL_SECONDS)

    def _is_ready(self, pid: int) -> bool:
        """postmaster.pid: process id in line 1, `ready` in line 8 (PostgreSQL's src/include/utils/pidfile.h)."""
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data_dir / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def stop(self, *, timeout_seconds: float = STOP_SECONDS) -> None:
        """Fast shutdown: connections are closed, committed work is kept. No process is left afterwards."""
        process, self._process = self._process, None
        if process is None:
            return
        for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(kind)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout_seconds)
                return

    def stop_leftover(self) -> bool:
        """End a server of this folder that outlived its supervisor (kill -9); True when there was one.

        Removes a postmaster.pid whose process id now belongs to another program: PostgreSQL would refuse to start.
        """
        lines = self._pid_file_lines()
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        if pid == 0 or not psutil.pid_exists(pid):
            return False
        if working_folder(pid) != self.data_dir.resolve():
            (self.data_dir / "postmaster.pid").unlink()
            return False
        end(pid, signal.SIGINT, signal.SIGQUIT, seconds=STOP_SECONDS)
        return True

    def create_database(self, name: str = DATABASE, *, template: str | None = None) -> bool:
        """Create the database unless it exists; True when it was created. The server must be running."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(SessionSettings().statement.encode())
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return False
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template is not None:
                # Without fsync, copying files is four times faster than copying through the write-ahead log.
                statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
            connection.execute(statement)
            return True


def _environment() -> dict[str, str]:
    """None of the caller's variables: PG* and locale variables would change the server's behaviour."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _tail(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-LOG_TAIL_LINES:]) or "it wrote nothing."


@contextmanager
def throwaway_cluster(parent: Path = TEMPORARY) -> Iterator[Cluster]:
    """A running cluster for tests, below `parent`: fast, not durable, removed at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="dq-test-", dir=parent))
    folder.chmod(0o711)
    cluster = Cluster.at(folder / "data", fast=True)
    try:
        cluster.initdb()
        cluster.start(folder / "postgres.log")
        yield cluster
    finally:
        cluster.stop()
        for leftover in (folder, cluster.socket_dir, cluster.placement.shelter):
            if leftover is not None:
                shutil.rmtree(leftover, ignore_errors=True)
