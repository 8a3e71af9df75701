"""The real process: how it starts, what it logs, how it exits."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.http.server import CannotListen, loopback_socket, url_of

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", *options]


@contextmanager
def started(folder: Path, *options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its URL, from its one log event."""
    process = subprocess.Popen(
        command(*options), cwd=folder, env=ENVIRONMENT | environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        event = json.loads(process.stdout.readline())
        assert event["event"] == "sandbox.listening"
        yield process, event["url"]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("received", [signal.SIGTERM, signal.SIGINT])
def test_it_exits_at_once_with_code_0(tmp_path: Path, received: signal.Signals) -> None:
    """Despite an open connection, in less than the three seconds that supervisord gives it."""
    with started(tmp_path, "--deals", "10", "--lively") as (process, url), httpx.Client(trust_env=False) as client:
        assert client.get(f"{url}/healthz").status_code == 200
        begun = time.monotonic()
        process.send_signal(received)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - begun < 2.5


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    """SANDBOX_PORT, SANDBOX_DEALS and the token that `make run` passes as HUBSPOT_TOKEN; lively by default."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"SANDBOX_PORT": str(port), "SANDBOX_DEALS": "7", "HUBSPOT_TOKEN": "pat-of-this-start"}
    with started(tmp_path, **settings) as (_, url):
        assert url == f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok", "deals": 7, "lively": True}
        headers = {"Authorization": "Bearer pat-of-this-start"}
        path = f"{url}/crm/objects/2026-09/0-3"
        assert len(httpx.get(path, headers=headers, trust_env=False).json()["results"]) == 7


def test_a_taken_port_is_reported_in_one_sentence(tmp_path: Path) -> None:
    """Exit code 1; the sentence names the port and the remedy."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == f"Port {port} on 127.0.0.1 is taken; choose another one with --port or SANDBOX_PORT.\n"
    assert done.stdout == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_it_listens_on_loopback_only(host: str) -> None:
    """Its token is public, and its control plane requires none."""
    with pytest.raises(CannotListen, match=r"127\.0\.0\.1"):
        loopback_socket(host, 0)


def test_two_concurrent_starts_do_not_share_a_port() -> None:
    """The second is refused before it builds anything."""
    with loopback_socket("127.0.0.1", 0) as first, pytest.raises(CannotListen, match="is taken"):
        loopback_socket("127.0.0.1", first.getsockname()[1])


def test_any_loopback_address_is_accepted() -> None:
    """Including IPv6 and the name `localhost`."""
    for host, url in (("localhost", "http://127.0.0.1:"), ("127.0.0.2", "http://127.0.0.2:"), ("::1", "http://[::1]:")):
        with loopback_socket(host, 0) as bound:
            assert url_of(bound).startswith(url)


def test_an_invalid_setting_is_named(tmp_path: Path) -> None:
    """Exit code 2, as for every process of Deal Queue."""
    done = run(tmp_path, SANDBOX_DEALS="many")
    assert done.returncode == 2
    assert "SANDBOX_DEALS" in done.stderr


def run(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options),
        cwd=folder,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
