"""The journal of requests, and the statistics computed from it."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"


def test_the_journal_has_every_request_to_hubspot(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """In order, with number, time, policy and status, but without the control plane."""
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


def test_the_peaks_of_requests_are_counted_by_policy(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """The most requests in any second and in any ten seconds, including refused ones."""
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


def test_the_share_of_errors_is_reported(fresh_api: httpx.Client) -> None:
    """HubSpot wants less than five percent."""
    for path in (DEALS, f"{DEALS}/1", DEALS, DEALS):
        fresh_api.get(path)
    stats = fresh_api.get("/_sim/stats").json()
    assert (stats["requests"], stats["errors"], stats["errorShare"]) == (4, 1, 0.25)


def test_concurrent_requests_are_counted(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """The most requests in progress at the same time."""
    fresh_api.get(DEALS)
    assert fresh_api.get("/_sim/stats").json()["mostConcurrent"] == 1
    fresh_api.post("/_sim/config", json={"latency_ms": 600})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fresh_api.get(DEALS), range(4)))
    assert fresh_api.get("/_sim/stats").json()["mostConcurrent"] == 4
