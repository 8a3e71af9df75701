"""A complete installation for a test: `python -m deploy.run` in an empty folder, as `make run` calls it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg.rows import dict_row

from deploy.placement import shelter_of
from tests.folders import open_folder

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"http://\S+#code=\S+")
START_SECONDS = 60
STOP_SECONDS = 45
POLL_SECONDS = 0.02

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """The first result of `look` that is not empty; AssertionError names `what` when the time has passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"Timed out after {seconds:g} s, waiting for {what}")


class Installation:
    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.sandbox_port = free_port(), free_port()
        self.output = folder / "output.txt"
        self._settings = {
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "DATA_DIR": str(folder / "data"),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the sign-in link is printed: every process is ready then."""
        # From a folder without `.env`: the developer's settings must not apply.
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.run"],
                cwd=self.folder,
                env=_clean_environment() | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(self._link_or_end, seconds=START_SECONDS, what="the sign-in link")

    def _link_or_end(self) -> str | None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"It exited with {self._process.returncode}:\n{self.output.read_text()}")
        found = LINK.search(self.output.read_text())
        return found[0] if found else None

    @property
    def link(self) -> str:
        found = LINK.search(self.output.read_text())
        assert found is not None
        return found[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> dict[str, str]:
        """The header with the admin token that the first start created."""
        return {"Authorization": f"Bearer {(self.folder / 'data' / 'admin-token').read_text().strip()}"}

    def graphql(self, query: str) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/graphql", json={"query": query}, headers=self.admin, timeout=10)
        body: dict[str, Any] = answer.json()
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    @property
    def database_url(self) -> str:
        return (self.folder / "data" / "database-url").read_text().strip()

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def change(self, statements: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statements.encode())

    def truth(self) -> dict[str, Any]:
        """The deals that the sandbox really holds."""
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.sandbox_port}/_sim/truth", timeout=10).json()
        return answer

    def create_deals(self, count: int) -> None:
        """Create that many deals in HubSpot."""
        url = f"http://127.0.0.1:{self.sandbox_port}/_sim/mutate"
        httpx.post(url, json={"create": count}, timeout=10).raise_for_status()

    def processes(self) -> dict[int, str]:
        """The process id and command line of every program of this installation."""
        mine = f"DATA_DIR={self._settings['DATA_DIR']}\0".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (command := _command_of(entry, mine)):
                found[int(entry.name)] = command
        return found

    def pid_of(self, module: str) -> int:
        return next(pid for pid, command in self.processes().items() if command.endswith(f"-m {module}"))

    @contextmanager
    def second(self, module: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A second process, as started manually: the environment of the supervised one, changed by `settings`."""
        environ = Path(f"/proc/{self.pid_of(module)}/environ").read_text().rstrip("\0").split("\0")
        inherited = dict(variable.split("=", 1) for variable in environ)
        kept = {name: value for name, value in inherited.items() if not name.startswith("SUPERVISOR_")}
        with (self.folder / f"second-{module}.log").open("ab") as log:
            command = [sys.executable, "-m", module]
            started = subprocess.Popen(command, cwd=self.folder, env=kept | settings, stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.kill()
            started.wait()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m ...`, as typed in the installation's folder; killed if it does not exit in time."""
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Of a terminal in the installation's folder."""
        return _clean_environment() | self._settings | {"COLUMNS": "120"}

    def kill(self, module: str) -> None:
        """SIGKILL, as the kernel does when memory runs out."""
        os.kill(self.pid_of(module), signal.SIGKILL)

    @contextmanager
    def frozen(self, module: str) -> Iterator[None]:
        """Until the end of the block the process does not answer, like a machine that has lost its network."""
        pid = self.pid_of(module)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_supervisor(self) -> None:
        """SIGKILL for supervisord, which `deploy.run` has become."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM, as an operator does; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Kill what is left and delete its files, also after a failure."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(shelter_of(self.folder / "data" / "postgres"), ignore_errors=True)


@contextmanager
def installation(**settings: str) -> Iterator[Installation]:
    """Started and, at the end of the block, stopped by SIGTERM: none of its processes may be left."""
    with open_folder() as folder:
        running = Installation(folder, **settings)
        try:
            running.start()
            yield running
            assert running.stop() == 0
            assert running.processes() == {}
        finally:
            running.end()


def _clean_environment() -> dict[str, str]:
    kept: Mapping[str, str] = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _command_of(entry: Path, mine: bytes) -> str | None:
    try:
        if mine not in entry.joinpath("environ").read_bytes() + b"\0":
            return None
        return entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip() or None
    except OSError:
        return None
