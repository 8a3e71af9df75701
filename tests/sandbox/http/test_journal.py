"""Snapshots of the account, the journal of requests, and what the statistics make of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
EXTRA = {"name": "extra", "label": "Extra", "type": "string", "fieldType": "text", "groupName": "dealinformation"}


def state(api: httpx.Client) -> tuple[Any, ...]:
    """Everything that a sync can see."""
    params = {"limit": "50", "properties": "dealname,num_associated_contacts", "propertiesWithHistory": "amount"}
    search = api.post(f"{DEALS}/search", json={"limit": 200}).json()
    return (
        api.get("/_sim/truth").json(),
        api.get(DEALS, params={**params, "associations": "contacts,companies"}).json(),
        api.get(DEALS, params={"archived": "true"}).json(),
        (search["total"], search["results"]),
        api.get("/_sim/clock").json(),
        api.get("/crm/properties/2026-09/deals").json(),
    )


def test_a_snapshot_brings_everything_back(own_sandbox: Running, own_api: httpx.Client) -> None:
    """Records, associations, properties, the index with what it has not seen yet, and the clock; as often as wanted."""
    own_sandbox.clock.freeze()
    own_api.post("/_sim/config", json={"lag_ms": [1000, 1000]})
    own_api.post("/_sim/mutate", json={"create": 3, "edit": 5, "archive": 2, "merge": 1, "purge": 1})
    before = state(own_api)
    snapshot = own_api.post("/_sim/snapshot", json={}).json()
    for _ in range(2):
        own_sandbox.clock.advance(5)
        own_api.post("/_sim/mutate", json={"create": 5, "edit": 9, "restore": 1, "merge": 3, "purge": 2})
        own_api.post("/crm/properties/2026-09/deals", json=EXTRA)
        own_sandbox.clock.advance(5)
        assert state(own_api) != before
        assert own_api.post("/_sim/restore", json=snapshot).json() == snapshot
        assert state(own_api) == before


def test_a_restored_world_lives_on(own_api: httpx.Client) -> None:
    """What was made after the snapshot is forgotten everywhere, companies included."""
    snapshot = own_api.post("/_sim/snapshot", json={}).json()
    own_api.post("/_sim/mutate", json={"create": 20})
    own_api.post("/_sim/restore", json=snapshot)
    created = own_api.post("/_sim/mutate", json={"create": 20}).json()["created"]
    assert len(own_api.get("/_sim/truth").json()) == 30 + len(set(created)) == 50


def test_limits_go_on_after_the_clock_was_put_back(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """What was used up at a time that has not come again is not used up."""
    fresh_sandbox.clock.freeze()
    fresh_api.post("/_sim/config", json={"burst": 2, "background_rps": 0.1})
    snapshot = fresh_api.post("/_sim/snapshot", json={}).json()
    fresh_sandbox.clock.advance(3600)
    assert [fresh_api.get(DEALS).status_code for _ in range(3)] == [200, 429, 429]
    fresh_api.post("/_sim/restore", json=snapshot)
    fresh_sandbox.clock.advance(1)
    assert [fresh_api.get(DEALS).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("body", [{}, {"snapshot": "snapshot-9"}, {"snapshot": 1}])
def test_an_unknown_snapshot_is_a_404(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """Nothing is changed."""
    assert own_api.post("/_sim/restore", json=body).status_code == 404


def test_the_journal_has_every_request_to_hubspot(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """In order, with number, time, policy and status; the control plane is not in it."""
    fresh_sandbox.clock.freeze()
    now = fresh_api.get("/_sim/clock").json()["now"]
    fresh_api.get(DEALS, params={"limit": 1})
    fresh_api.post(f"{DEALS}/search", json={})
    fresh_api.post("/crm/associations/2026-09/deals/contacts/batch/read", json={"inputs": []})
    fresh_api.get("/nowhere")
    requests = fresh_api.get("/_sim/journal").json()["requests"]
    shown = [tuple(entry[key] for key in ("number", "method", "path", "status", "policy")) for entry in requests]
    assert shown == [
        (1, "GET", DEALS, 200, "burst"),
        (2, "POST", f"{DEALS}/search", 200, "search"),
        (3, "POST", "/crm/associations/2026-09/deals/contacts/batch/read", 200, "exempt"),
        (4, "GET", "/nowhere", 404, None),
    ]
    assert {entry["at"] for entry in requests} == {now}
    assert fresh_api.get("/_sim/journal", params={"since": 3}).json()["requests"] == requests[3:]


def test_windows_are_counted_by_policy(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """The most requests that any second, and any ten seconds, have held; refused ones included."""
    fresh_sandbox.clock.freeze()
    for wait, requests in ((0, 3), (0.5, 2), (5, 4), (60, 6)):
        fresh_sandbox.clock.advance(wait)
        for _ in range(requests):
            fresh_api.get(DEALS)
    fresh_api.post(f"{DEALS}/search", json={})
    stats = fresh_api.get("/_sim/stats").json()
    assert stats["mostInWindow"] == {
        "burst": {"1s": 6, "10s": 9},
        "search": {"1s": 1, "10s": 1},
        "exempt": {"1s": 0, "10s": 0},
    }
    assert (stats["requests"], stats["errors"]) == (16, 0)


def test_the_share_of_errors_is_told(fresh_api: httpx.Client) -> None:
    """HubSpot wants less than five percent."""
    for path in (DEALS, f"{DEALS}/1", DEALS, DEALS):
        fresh_api.get(path)
    stats = fresh_api.get("/_sim/stats").json()
    assert (stats["requests"], stats["errors"], stats["errorShare"]) == (4, 1, 0.25)


def test_requests_at_the_same_time_are_counted(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """As many as were under way at once, and no more."""
    fresh_api.get(DEALS)
    assert fresh_api.get("/_sim/stats").json()["mostConcurrent"] == 1
    fresh_api.post("/_sim/config", json={"latency_ms": 600})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fresh_api.get(DEALS), range(4)))
    assert fresh_api.get("/_sim/stats").json()["mostConcurrent"] == 4
