"""Snapshots of the account: restored completely, any number of times."""

from typing import Any

import httpx

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


def test_a_snapshot_restores_everything(own_sandbox: Running, own_api: httpx.Client) -> None:
    """Records, associations, properties, the index with its pending writes, and the clock; any number of times."""
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


def test_a_restored_account_can_be_changed(own_api: httpx.Client) -> None:
    """Records created after the snapshot are gone everywhere, including companies."""
    snapshot = own_api.post("/_sim/snapshot", json={}).json()
    own_api.post("/_sim/mutate", json={"create": 20})
    own_api.post("/_sim/restore", json=snapshot)
    created = own_api.post("/_sim/mutate", json={"create": 20}).json()["created"]
    assert len(own_api.get("/_sim/truth").json()) == 30 + len(set(created)) == 50


def test_rate_limits_work_after_the_clock_was_restored(fresh_sandbox: Running, fresh_api: httpx.Client) -> None:
    """Requests at a time that is in the future again do not count."""
    fresh_sandbox.clock.freeze()
    fresh_api.post("/_sim/config", json={"burst": 2, "background_rps": 0.1})
    snapshot = fresh_api.post("/_sim/snapshot", json={}).json()
    fresh_sandbox.clock.advance(3600)
    assert [fresh_api.get(DEALS).status_code for _ in range(3)] == [200, 429, 429]
    fresh_api.post("/_sim/restore", json=snapshot)
    fresh_sandbox.clock.advance(1)
    assert [fresh_api.get(DEALS).status_code for _ in range(3)] == [200, 200, 429]
