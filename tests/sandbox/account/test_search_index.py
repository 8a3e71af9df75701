"""The search index: it receives every write later than the records, but always in the end."""

import time
from typing import Any

import httpx
import pytest

from core.clock import SystemClock
from sandbox.account.clock import SandboxClock
from sandbox.account.object_types import DEALS as DEALS_KIND
from sandbox.account.seed_data import build_account
from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
# More than the longest lag that the tests set.
SETTLED_SECONDS = 7


@pytest.fixture
def api(own_sandbox: Running, own_api: httpx.Client) -> httpx.Client:
    """A client under a frozen clock, with an index that lags by two to six seconds."""
    own_sandbox.clock.freeze()
    own_api.post("/_sim/config", json={"lag_ms": [2000, 6000]}).raise_for_status()
    return own_api


def search(api: httpx.Client, name: str, value: str) -> dict[str, Any]:
    given = {"propertyName": name, "operator": "EQ", "value": value}
    body = {"filterGroups": [{"filters": [given]}], "properties": ["hs_next_step"], "limit": 200}
    found: dict[str, Any] = api.post(f"{DEALS}/search", json=body).json()
    assert found["total"] == len(found["results"])
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [deal["id"] for deal in found["results"]]


def keyset(api: httpx.Client) -> tuple[int, list[str]]:
    """The total of the first page, and every id that paging by keyset reaches."""
    seen: list[str] = []
    total = None
    while True:
        given = {"propertyName": "hs_object_id", "operator": "GT", "value": seen[-1] if seen else "0"}
        body = {"filterGroups": [{"filters": [given]}], "sorts": ["hs_object_id"], "limit": 7}
        found = api.post(f"{DEALS}/search", json=body).json()
        total = found["total"] if total is None else total
        seen += ids(found)
        if found["total"] <= len(found["results"]):
            return total, seen


def first(api: httpx.Client) -> str:
    return str(api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"])


def patch(api: httpx.Client, deal: str, **properties: str) -> None:
    api.patch(f"{DEALS}/{deal}", json={"properties": properties}).raise_for_status()


def test_a_change_is_matched_late_and_shown_at_once(api: httpx.Client, own_sandbox: Running) -> None:
    """Recorded: a deal is found by its former value, and the result shows the current one."""
    deal = first(api)
    patch(api, deal, hs_next_step="before")
    own_sandbox.clock.advance(SETTLED_SECONDS)
    patch(api, deal, hs_next_step="after")
    stale = search(api, "hs_next_step", "before")
    assert [(one["id"], one["properties"]["hs_next_step"]) for one in stale["results"]] == [(deal, "after")]
    assert ids(search(api, "hs_next_step", "after")) == []
    own_sandbox.clock.advance(SETTLED_SECONDS)
    assert ids(search(api, "hs_next_step", "before")) == []
    assert ids(search(api, "hs_next_step", "after")) == [deal]


def test_the_body_can_be_stale_too(api: httpx.Client, own_sandbox: Running) -> None:
    """The other possible behaviour of an index."""
    deal = first(api)
    patch(api, deal, hs_next_step="before")
    own_sandbox.clock.advance(SETTLED_SECONDS)
    patch(api, deal, hs_next_step="after")
    api.post("/_sim/config", json={"stale_bodies": True})
    stale = search(api, "hs_next_step", "before")
    assert [one["properties"]["hs_next_step"] for one in stale["results"]] == ["before"]


@pytest.mark.parametrize("what", ["archive", "purge", "merge"])
def test_a_deal_that_is_no_longer_live_is_not_found(api: httpx.Client, what: str) -> None:
    """It is still in the index, but neither returned nor counted, so that paging can reach the total."""
    api.post("/_sim/mutate", json={what: 2}).raise_for_status()
    total, seen = keyset(api)
    assert total == len(seen)
    live = {deal["id"] for deal in api.get(DEALS, params={"limit": 100}).json()["results"]}
    assert set(seen) <= live


@pytest.mark.parametrize("what", ["create", "merge"])
def test_a_new_deal_is_found_late(api: httpx.Client, own_sandbox: Running, what: str) -> None:
    """A list has it at once, a search after the lag."""
    done = api.post("/_sim/mutate", json={what: 1}).json()
    fresh = done["created"][0] if what == "create" else done["merged"][0]["into"]
    assert fresh in ids(api.get(DEALS, params={"limit": 100}).json())
    assert fresh not in keyset(api)[1]
    own_sandbox.clock.advance(SETTLED_SECONDS)
    assert fresh in keyset(api)[1]


def test_a_restored_deal_is_found_late(api: httpx.Client, own_sandbox: Running) -> None:
    """An archived deal vanishes at once, a restored one is found again after the lag."""
    (deal,) = api.post("/_sim/mutate", json={"archive": 1}).json()["archived"]
    assert deal not in keyset(api)[1]
    own_sandbox.clock.advance(SETTLED_SECONDS)
    api.post("/_sim/mutate", json={"restore": 1})
    assert deal not in keyset(api)[1]
    own_sandbox.clock.advance(SETTLED_SECONDS)
    assert deal in keyset(api)[1]


def test_an_older_write_never_replaces_a_newer_one(api: httpx.Client, own_sandbox: Running) -> None:
    """Twenty changes of one deal, each with its own lag: the last one remains."""
    deal = first(api)
    for number in range(20):
        patch(api, deal, hs_next_step=f"step{number}")
    for _ in range(SETTLED_SECONDS):
        own_sandbox.clock.advance(1)
        search(api, "hs_next_step", "step19")
    assert ids(search(api, "hs_next_step", "step19")) == [deal]
    assert all(not ids(search(api, "hs_next_step", f"step{number}")) for number in range(19))


def test_the_index_equals_the_records_after_the_lag(api: httpx.Client, own_sandbox: Running) -> None:
    """Whatever the changes were."""
    api.post("/_sim/mutate", json={"create": 9, "edit": 9, "touch": 9, "archive": 4, "merge": 3, "purge": 2})
    api.post("/_sim/mutate", json={"restore": 2})
    own_sandbox.clock.advance(SETTLED_SECONDS)
    total, seen = keyset(api)
    assert (total, seen) == (len(seen), [str(deal) for deal in own_sandbox.account.table(DEALS_KIND).live_ids])


def test_an_hour_of_lag_takes_no_time(api: httpx.Client, own_sandbox: Running) -> None:
    """The settle bound of a sync, in virtual time."""
    api.post("/_sim/config", json={"lag_ms": [3_600_000, 3_600_000]})
    (deal,) = api.post("/_sim/mutate", json={"create": 1}).json()["created"]
    own_sandbox.clock.advance(3_599)
    assert deal not in keyset(api)[1]
    own_sandbox.clock.advance(1)
    assert deal in keyset(api)[1]


def test_a_page_of_12000_deals_with_one_time_stamp_takes_milliseconds() -> None:
    """A bulk update must not slow down the tests of a sync."""
    account, _ = build_account(SandboxClock(SystemClock()), deals=12_000, seed=1)
    index = account.table(DEALS_KIND).index
    begun = time.perf_counter()
    for _ in range(20):
        assert len(index.candidates(first_id=1, modified_since=1_000)) == 12_000
    assert (time.perf_counter() - begun) / 20 < 0.02
