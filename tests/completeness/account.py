"""The sandbox's control plane, as the tests of completeness use it: people at work, faults, time, and the truth."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from sandbox.app import Options
from sandbox.testing import running

# Limits are a kind of fault here, and struck on purpose only.
NO_LIMIT = 10**6
MANY = 10**9
SHORT_TURN_SECONDS = 0.0002

Truth = Mapping[str, Mapping[str, Any]]


class Account:
    """One sandbox, its clock standing still unless a test moves it; `start_again` puts everything back."""

    def __init__(self, url: str, token: str, control: httpx.Client) -> None:
        self.url = url
        self.token = token
        self._control = control
        self._ask("POST", "clock", freeze=True)
        self._ask("POST", "config", daily=MANY)
        self._snapshot = self._ask("POST", "snapshot")["snapshot"]

    def start_again(self, *, stale_bodies: bool = False) -> None:
        self.clear_faults()
        self.configure(lag_ms=(0, 0), stale_bodies=stale_bodies, primary_id_preserved=False)
        self._ask("POST", "restore", snapshot=self._snapshot)

    def configure(self, **changes: Any) -> None:
        self._ask("POST", "config", **changes)

    def mutate(self, **what: Any) -> dict[str, Any]:
        return self._ask("POST", "mutate", **what)

    def advance(self, seconds: float) -> None:
        self._ask("POST", "clock", advance_seconds=seconds)

    def fault(self, kind: str, path: str = "", **options: Any) -> None:
        self._ask("POST", "fault", kind=kind, path=path, **options)

    def clear_faults(self) -> Counter[str]:
        """How often each kind has struck."""
        struck = Counter(self._ask("GET", "stats")["faults"])
        self._ask("DELETE", "fault")
        return struck

    def truth(self) -> Truth:
        return self._ask("GET", "truth")

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", "journal")["requests"]
        return found

    def ids(self, *, archived: bool) -> list[str]:
        """Of deals that are live, or in the recycle bin."""
        deals = self.truth().items()
        return [key for key, deal in deals if not is_gone(deal) and bool(deal["archived"]) == archived]

    def _ask(self, method: str, what: str, **body: Any) -> dict[str, Any]:
        answer = self._control.request(method, f"/_sim/{what}", json=body if method == "POST" else None)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def is_gone(deal: Mapping[str, Any]) -> bool:
    """Merged away or purged: neither live nor in the recycle bin."""
    return bool(deal.get("purged")) or deal["mergedInto"] is not None


@contextmanager
def account(*, deals: int, seed: int = 1) -> Iterator[Account]:
    """In this process, over real HTTP; its thread and the test's take short turns, because they wait for each other."""
    options = Options(lively=False, burst=NO_LIMIT, search_per_second=NO_LIMIT)
    turns = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_TURN_SECONDS)
    with (
        running(deals=deals, seed=seed, options=options) as sandbox,
        httpx.Client(base_url=sandbox.url, timeout=30, trust_env=False) as control,
    ):
        yield Account(sandbox.url, sandbox.token, control)
    sys.setswitchinterval(turns)
