"""The sandbox as a separate process, used over real HTTP."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from core.clock import SystemClock
from crm.budget.local import LocalBudget
from crm.budget.protocol import Policy
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.errors import RateLimited
from sandbox import SANDBOX_TOKEN
from tests.installation import ROOT, free_port, until


@dataclass(frozen=True)
class Sandbox:
    url: str

    def truth(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.url}/_sim/truth", timeout=10).raise_for_status().json()
        return answer

    def mutate(self, **what: int) -> None:
        httpx.post(f"{self.url}/_sim/mutate", json=what, timeout=10).raise_for_status()

    def fault(self, kind: str, method: str | None, path: str, **options: int | str | None) -> None:
        """The next request with that method and path gets the fault; `options` may say how many requests."""
        fault = {"kind": kind, "method": method, "path": path, **options}
        httpx.post(f"{self.url}/_sim/fault", json=fault, timeout=10).raise_for_status()

    def heal(self) -> None:
        """Remove all faults."""
        httpx.delete(f"{self.url}/_sim/fault", timeout=10).raise_for_status()

    def configure(self, **config: object) -> None:
        """Change keys of the sandbox's configuration (docs/sandbox.md)."""
        httpx.post(f"{self.url}/_sim/config", json=config, timeout=10).raise_for_status()

    def move_to(self, zone: str | None) -> None:
        """Change the account's time zone."""
        self.configure(time_zone=zone)

    def accept(self, token: str) -> None:
        """Accept this token and no other."""
        self.configure(token=token)

    def revoke(self, *scopes: str) -> None:
        """The token lacks these scopes from now on, and no others."""
        self.configure(missing_scopes=scopes)

    def grant_all(self) -> None:
        """The token has every scope again."""
        self.revoke()

    def journal(self) -> list[dict[str, Any]]:
        """Every request that HubSpot would have received."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/_sim/journal", timeout=10).json()["requests"]
        return found

    def token(self) -> SecretStr:
        return SecretStr(SANDBOX_TOKEN)

    def client(self) -> HubSpot:
        return HubSpot(self.url, self.token, LocalBudget())


def catalog(client: HubSpot) -> Catalog:
    return Catalog(client, SystemClock())


class NoLimits:
    """A budget that allows every call at once."""

    async def acquire(self, policy: Policy) -> None:
        pass

    def learn(self, headers: Mapping[str, str]) -> None:
        pass

    async def rate_limited(self, policy: Policy, error: RateLimited) -> None:
        pass


@contextmanager
def sandbox_process(*options: str) -> Iterator[Sandbox]:
    """Started on a free port, without changes of its own; ended by SIGTERM with exit code 0."""
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--still", *options]
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            command, cwd="/", env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: _answers(url, process, Path(log.name)), seconds=30, what="the sandbox")
            yield Sandbox(url)
            process.terminate()
            assert process.wait(10) == 0, Path(log.name).read_text()
        finally:
            process.kill()


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    return False
