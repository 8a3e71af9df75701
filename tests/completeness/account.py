"""The sandbox's control plane, as the tests of completeness use it: edits by people, faults, time, and the truth."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from sandbox.app import Options
from sandbox.testing import running

# Rate limits are a kind of fault here, and injected only on purpose.
NO_LIMIT = 10**6
MANY = 10**9
SHORT_SWITCH_SECONDS = 0.0002

Truth = Mapping[str, Mapping[str, Any]]


class Account:
    """One sandbox, whose clock is frozen unless a test advances it; `start_again` resets everything."""

    def __init__(self, url: str, token: str, control: httpx.Client) -> None:
        self.url = url
        self.token = token
        self._client = control
        self._control_plane("POST", "clock", freeze=True)
        self._control_plane("POST", "config", daily=MANY)
        self._snapshot = self._control_plane("POST", "snapshot")["snapshot"]

    def start_again(self, *, stale_bodies: bool = False) -> None:
        self.clear_faults()
        self.configure(
            lag_ms=(0, 0), stale_bodies=stale_bodies, primary_id_preserved=False, merged_in_recycle_bin=False
        )
        self._control_plane("POST", "restore", snapshot=self._snapshot)

    def configure(self, **changes: Any) -> None:
        self._control_plane("POST", "config", **changes)

    def mutate(self, **what: Any) -> dict[str, Any]:
        return self._control_plane("POST", "mutate", **what)

    def advance(self, seconds: float) -> None:
        self._control_plane("POST", "clock", advance_seconds=seconds)

    def now(self) -> datetime:
        return datetime.fromisoformat(self._control_plane("GET", "clock")["now"])

    def fault(self, kind: str, path: str = "", **options: Any) -> None:
        self._control_plane("POST", "fault", kind=kind, path=path, **options)

    def clear_faults(self) -> Counter[str]:
        """How often each kind was injected."""
        injected = Counter(self._control_plane("GET", "stats")["faults"])
        self._control_plane("DELETE", "fault")
        return injected

    def truth(self) -> Truth:
        return self._control_plane("GET", "truth")

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control_plane("GET", "journal")["requests"]
        return found

    def create(self, kind: str, properties: Mapping[str, str], links: Sequence[tuple[int, str]] = ()) -> str:
        """The id of the new record; `links` are pairs (association type, id of the other record)."""
        associations = [
            {"to": {"id": other}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link}]}
            for link, other in links
        ]
        body = {"properties": dict(properties), "associations": associations}
        return str(self._hubspot("POST", f"/crm/v3/objects/{kind}", json=body)["id"])

    def associate(self, deal: str, kind: str, other: str, link: int) -> None:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link}]
        inputs = [{"from": {"id": deal}, "to": {"id": other}, "types": types}]
        self._hubspot("POST", f"/crm/v4/associations/deals/{kind}/batch/create", json={"inputs": inputs})

    def archive(self, kind: str, identifier: str) -> None:
        self._hubspot("DELETE", f"/crm/v3/objects/{kind}/{identifier}")

    def notes(self) -> Counter[str]:
        """How many notes of ours each deal has; deals without one are left out."""
        deals: Counter[str] = Counter()
        query = {"limit": "100", "properties": "hs_note_body", "associations": "deals"}
        while True:
            page = self._hubspot("GET", "/crm/v3/objects/notes", params=query)
            for note in page["results"]:
                if "Deal Queue" in note["properties"]["hs_note_body"]:
                    deals.update({entry["id"] for entry in note["associations"]["deals"]["results"]})
            if "paging" not in page:
                return deals
            query["after"] = page["paging"]["next"]["after"]

    def _hubspot(self, method: str, path: str, **options: Any) -> Any:
        """A call of HubSpot's API, as a user's own script makes it."""
        answer = self._client.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def ids(self, *, archived: bool) -> list[str]:
        """Of the deals that are live, or of those in the recycle bin."""
        deals = self.truth().items()
        return [key for key, deal in deals if not is_gone(deal) and bool(deal["archived"]) == archived]

    def _control_plane(self, method: str, resource: str, /, **body: Any) -> dict[str, Any]:
        answer = self._client.request(method, f"/_sim/{resource}", json=body if method == "POST" else None)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


def is_gone(deal: Mapping[str, Any]) -> bool:
    """Merged away or purged: neither live nor in the recycle bin."""
    return bool(deal.get("purged")) or deal["mergedInto"] is not None


@contextmanager
def account(*, deals: int, seed: int = 1) -> Iterator[Account]:
    """In this process, over real HTTP; short thread switches, because its thread and the test's wait for each other."""
    options = Options(lively=False, burst=NO_LIMIT, search_per_second=NO_LIMIT)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_SWITCH_SECONDS)
    with (
        running(deals=deals, seed=seed, options=options) as sandbox,
        httpx.Client(base_url=sandbox.url, timeout=30, trust_env=False) as control,
    ):
        yield Account(sandbox.url, sandbox.token, control)
    sys.setswitchinterval(interval)
