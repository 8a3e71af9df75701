"""The process as users start it: it serves, signs in and stops."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from core.settings import ADMIN_TOKEN_FILE
from tests.api.application import ADMIN_TOKEN

ROOT = Path(__file__).parents[2]
QUERY = {"query": "{ dealQueue(limit: 3) { items { name } nextBefore } }"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Api:
    """`python -m api` with its own data folder and port."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT),
            "PORT": str(self.port),
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
        }
        (folder / ADMIN_TOKEN_FILE).write_text(ADMIN_TOKEN)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "api", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run until it exits; returns exit code, standard output and standard error."""
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=30)
        return process.returncode, output, errors


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Api:
    return Api(tmp_path, database_url)


@pytest.fixture
def serving(api: Api) -> Iterator[subprocess.Popen[str]]:
    """The running process; killed if the test has not stopped it."""
    process = api.start()
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_link_signs_in_and_sigterm_stops_the_server_with_exit_code_0(
    api: Api, serving: subprocess.Popen[str]
) -> None:
    """`link --wait` waits until the API is ready; its code signs in; a second server reports that the port is taken."""
    code, link, errors = api.command("link", "--wait")
    assert (code, errors) == (0, "")
    assert link.startswith(f"{api.url}/#code=")
    with httpx.Client(base_url=api.url, trust_env=False) as browser:
        signed_in = browser.post("/auth/session", json={"code": link.strip().partition("#code=")[2]})
        assert signed_in.status_code == 204
        assert f"deal_queue_session_{api.port}" in browser.cookies
        answer = browser.post("/graphql", json=QUERY)
    assert answer.json() == {"data": {"dealQueue": {"items": [], "nextBefore": None}}}
    assert "server" not in answer.headers
    assert "date" in answer.headers
    taken = f"Cannot listen on 127.0.0.1:{api.port}: Address already in use."
    assert api.command() == (1, "", f"{taken} Stop the program that listens there, or set another PORT.\n")
    serving.send_signal(signal.SIGTERM)
    output, errors = serving.communicate(timeout=20)
    assert (serving.returncode, errors) == (0, "")
    assert [orjson.loads(line)["event"] for line in output.splitlines()][-1] == "api.stopped"
    assert "Traceback" not in output
