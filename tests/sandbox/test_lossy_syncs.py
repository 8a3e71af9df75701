"""A sync method that loses deals in HubSpot loses them in the sandbox too, and a complete method loses none.

The scenarios are those of docs/sandbox.md, "The search index": lag, equal time stamps, changes while pages are read.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from sandbox.testing import Running, running
from tests.sandbox.conftest import UNLIMITED, connect

DEALS = "/crm/objects/2026-09/0-3"
LAG_MS = (0, 6_000)
# Longer than the longest lag.
OVERLAP_MS = 8_000
ROUNDS = 20

Store = dict[str, str]


@pytest.fixture
def sandbox() -> Iterator[Running]:
    """400 deals, no rate limits, and a frozen clock that the test advances."""
    with running(deals=400, options=UNLIMITED) as started:
        started.clock.freeze()
        yield started


@pytest.fixture
def api(sandbox: Running) -> Iterator[httpx.Client]:
    with connect(sandbox) as client:
        yield client


def now_ms(sandbox: Running) -> int:
    return int(sandbox.clock.now().timestamp() * 1000)


def milliseconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp() * 1000)


def page(api: httpx.Client, since_ms: int, last: str = "0", **more: Any) -> dict[str, Any]:
    filters = [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(since_ms)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": last},
    ]
    body = {"filterGroups": [{"filters": filters}], "sorts": ["hs_object_id"], "limit": 50, **more}
    found: dict[str, Any] = api.post(f"{DEALS}/search", json=body).json()
    return found


def keep(store: Store, found: dict[str, Any]) -> None:
    store |= {deal["id"]: deal["updatedAt"] for deal in found["results"]}


def by_keyset(api: httpx.Client, store: Store, since_ms: int, between: Callable[[], None] = lambda: None) -> None:
    last = "0"
    while True:
        found = page(api, since_ms, last)
        keep(store, found)
        if found["total"] <= len(found["results"]):
            return
        last = found["results"][-1]["id"]
        between()


def by_offset(api: httpx.Client, store: Store, between: Callable[[], None]) -> None:
    """Sorted by time and followed by `after`: the method of several connectors."""
    after: str | None = "0"
    while after is not None:
        found = page(api, 1_000, sorts=["hs_lastmodifieddate"], after=after)
        keep(store, found)
        after = found.get("paging", {}).get("next", {}).get("after")
        between()


def lost(api: httpx.Client, store: Store) -> int:
    """Deals that are missing or stale."""
    truth = api.get("/_sim/truth").json()
    return sum(store.get(deal) != known["lastModified"] for deal, known in truth.items())


def busy_rounds(sandbox: Running, api: httpx.Client, poll: Callable[[int], None]) -> None:
    """A poll a second while 20 deals are changed and 4 created; then two polls after the index has caught up."""
    api.post("/_sim/config", json={"lag_ms": LAG_MS}).raise_for_status()
    for _ in range(ROUNDS):
        api.post("/_sim/mutate", json={"edit": 20, "create": 4}).raise_for_status()
        poll(now_ms(sandbox))
        sandbox.clock.advance(1)
    for _ in range(2):
        sandbox.clock.advance(OVERLAP_MS / 2000)
        poll(now_ms(sandbox))


def test_a_cursor_at_the_newest_time_seen_loses_deals_to_the_lag(sandbox: Running, api: httpx.Client) -> None:
    """A deal that becomes visible behind the cursor is never read."""
    store: Store = {}
    by_keyset(api, store, 1_000)
    busy_rounds(sandbox, api, lambda _: by_keyset(api, store, milliseconds(max(store.values()))))
    assert lost(api, store) > 20


def test_a_window_that_overlaps_by_more_than_the_lag_loses_none(sandbox: Running, api: httpx.Client) -> None:
    """A keyset over ids, from before the last poll on."""
    store: Store = {}
    by_keyset(api, store, 1_000)
    windows = [now_ms(sandbox)]

    def poll(now: int) -> None:
        by_keyset(api, store, windows[-1] - OVERLAP_MS)
        windows.append(now)

    busy_rounds(sandbox, api, poll)
    assert lost(api, store) == 0


def test_paging_by_offset_loses_deals_that_change_meanwhile(sandbox: Running, api: httpx.Client) -> None:
    """A deal that was read moves to the end, and another one moves across the edge of the page."""
    store: Store = {}
    changed: set[str] = set()

    def meanwhile() -> None:
        sandbox.clock.advance(1)
        first = page(api, 1_000, limit=10, sorts=["hs_lastmodifieddate"])["results"]
        changed.update(deal["id"] for deal in first)
        api.post("/_sim/mutate", json={"touch": [deal["id"] for deal in first]}).raise_for_status()

    by_offset(api, store, meanwhile)
    never_seen = api.get("/_sim/truth").json().keys() - store.keys()
    assert len(never_seen - changed) > 20


def test_paging_by_keyset_loses_none_that_change_meanwhile(sandbox: Running, api: httpx.Client) -> None:
    """Ids do not change; a second pass over the window reads what was read too early."""
    store: Store = {}
    begun = now_ms(sandbox)

    def meanwhile() -> None:
        sandbox.clock.advance(1)
        api.post("/_sim/mutate", json={"edit": 20, "create": 2}).raise_for_status()

    by_keyset(api, store, 1_000, meanwhile)
    assert api.get("/_sim/truth").json().keys() >= store.keys()
    by_keyset(api, store, begun)
    assert lost(api, store) == 0


def test_a_keyset_reads_more_deals_with_one_timestamp_than_a_search_returns(
    sandbox: Running, api: httpx.Client
) -> None:
    """Paging by offset ends at the cap; paging by keyset reaches all of them."""
    api.post("/_sim/config", json={"offset_cap": 200}).raise_for_status()
    sandbox.clock.advance(1)
    since = now_ms(sandbox)
    api.post("/_sim/mutate", json={"touch": 1, "all": True, "same_timestamp": True}).raise_for_status()
    assert page(api, since)["total"] == 400
    body = {"sorts": ["hs_lastmodifieddate"], "limit": 50, "after": "200"}
    assert api.post(f"{DEALS}/search", json=body).status_code == 400
    store: Store = {}
    by_keyset(api, store, since)
    assert lost(api, store) == 0
