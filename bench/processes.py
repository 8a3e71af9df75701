"""The measured processes, started as in production, and what the kernel reports about them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

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

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: int) -> Any:
        return httpx.get(f"{self.url}{path}", params=query, timeout=60).raise_for_status().json()

    def post(self, path: str, **body: object) -> Any:
        return httpx.post(f"{self.url}{path}", json=body, timeout=60).raise_for_status().json()

    def configure(self, **config: object) -> None:
        self.post("/_sim/config", **config)

    def live_ids(self) -> set[str]:
        return {key for key, deal in self.get("/_sim/truth").items() if not deal["archived"]}


@contextmanager
def sandbox(folder: Path, deals: int) -> Iterator[Sandbox]:
    """Its data changes only on request."""
    port = free_port()
    process = Process("sandbox", ["--port", str(port), "--still", "--deals", str(deals)], folder)
    try:
        running = Sandbox(f"http://127.0.0.1:{port}")

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
def scheduler(folder: Path, database_url: str, hubspot: Sandbox) -> Iterator[Process]:
    """`python -m scheduler`, with all of its jobs, as against HubSpot itself."""
    process = Process(
        "scheduler",
        [],
        folder,
        DATABASE_URL=database_url,
        HUBSPOT_BASE_URL=hubspot.url,
        HUBSPOT_TOKEN=SANDBOX_TOKEN,
        LOG_LEVEL="WARNING",
    )
    try:
        yield process
    finally:
        process.stop()
