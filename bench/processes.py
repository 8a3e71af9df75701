"""The measured processes, started as in production, and what the kernel reports about them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.postgres import Cluster
from sandbox import SANDBOX_TOKEN
from tests.installation import ROOT, free_port, until

# Generating 100,000 deals takes 15 s on an idle machine.
START_SECONDS = 120
STOP_SECONDS = 10
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Process:
    """A process of ours, and the resources that it has used so far."""

    def __init__(self, module: str, options: Sequence[str], folder: Path, **settings: str) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._log = folder / f"{module}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *options],
                cwd=folder,
                env={**environment, "PYTHONPATH": str(ROOT), "LOG_TO": "stdout", **settings},
                stdout=log,
                stderr=log,
            )

    def check(self) -> None:
        """AssertionError, with the end of its log, when it has exited."""
        if self._process.poll() is not None:
            raise AssertionError(f"The process exited with {self._process.returncode}: {self._log.read_text()[-2000:]}")

    @property
    def peak_mib(self) -> float:
        """Of resident memory, since its start."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))

    @property
    def cpu_seconds(self) -> float:
        """User and system, since its start."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()


class Sandbox:
    """HubSpot's API on loopback, and its control plane."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self.process = process

    def get(self, path: str, **query: int) -> Any:
        return httpx.get(f"{self.url}{path}", params=query, timeout=60).raise_for_status().json()

    def post(self, path: str, **body: object) -> Any:
        return httpx.post(f"{self.url}{path}", json=body, timeout=60).raise_for_status().json()

    def configure(self, **config: object) -> None:
        self.post("/_sim/config", **config)

    def live_ids(self) -> set[str]:
        return {key for key, deal in self.get("/_sim/truth").items() if not deal["archived"]}


def postgres_cpu_seconds(cluster: Cluster) -> float:
    """Of the server and all backends, those that have ended too."""
    server = cluster._process
    if server is None:
        raise AssertionError("The server must run while it is measured")
    found = [path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    running = sum(int(fields[11]) + int(fields[12]) for fields in found if int(fields[1]) == server.pid)
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (running + sum(map(int, fields[11:15]))) / TICKS_PER_SECOND


@contextmanager
def sandbox(folder: Path, deals: int) -> Iterator[Sandbox]:
    """Its data changes only on request."""
    port = free_port()
    process = Process("sandbox", ["--port", str(port), "--still", "--deals", str(deals)], folder)
    try:
        running = Sandbox(f"http://127.0.0.1:{port}", process)

        def up() -> bool:
            process.check()
            try:
                return httpx.get(f"{running.url}/healthz", timeout=2).is_success
            except httpx.HTTPError:
                return False

        until(up, seconds=START_SECONDS, what="the sandbox")
        yield running
    finally:
        process.stop()


@contextmanager
def scheduler(folder: Path, database_url: str, hubspot: Sandbox, **settings: str) -> Iterator[Process]:
    """`python -m scheduler`, with all of its jobs, as against HubSpot itself."""
    with _started("scheduler", folder, database_url, hubspot, settings) as process:
        yield process


@contextmanager
def worker(folder: Path, database_url: str, hubspot: Sandbox, **settings: str) -> Iterator[Process]:
    """`python -m pipeline`, with the stages of the product."""
    with _started("pipeline", folder, database_url, hubspot, settings) as process:
        yield process


@contextmanager
def _started(
    module: str, folder: Path, database_url: str, hubspot: Sandbox, settings: Mapping[str, str]
) -> Iterator[Process]:
    given = {"LOG_LEVEL": "WARNING", "HUBSPOT_TOKEN": SANDBOX_TOKEN, **settings}
    process = Process(module, [], folder, DATABASE_URL=database_url, HUBSPOT_BASE_URL=hubspot.url, **given)
    try:
        yield process
    finally:
        process.stop()
