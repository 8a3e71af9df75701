"""The control plane over the simulation: what it changes, and what it refuses."""

from typing import Any

import httpx
import pytest


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "earthquake"}, {"kind": "hang", "path": "("}, {"kind": "hang", "times": 0}, {"kind": 1, "x": 1}],
)
def test_an_invalid_fault_is_refused(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """With a 400, and no fault is added."""
    assert own_api.post("/_sim/fault", json=body).status_code == 400
    assert own_api.get("/_sim/fault").json() == {"faults": []}


@pytest.mark.parametrize(
    "body", [{"advance_seconds": -1}, {"advance_seconds": "1"}, {"freeze": "yes"}, {"advance_seconds": 1e12}]
)
def test_an_invalid_change_of_the_clock_is_refused(own_api: httpx.Client, body: dict[str, object]) -> None:
    """It cannot move backwards, nor by something that is not a number."""
    assert own_api.post("/_sim/clock", json=body).status_code == 400


@pytest.mark.parametrize("body", [{}, {"snapshot": "snapshot-9"}, {"snapshot": 1}])
def test_an_unknown_snapshot_is_a_404(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """Nothing is changed."""
    assert own_api.post("/_sim/restore", json=body).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"burst": 0},
        {"burst": "many"},
        {"burst": True},
        {"lag_ms": [9, 5]},
        {"lag_ms": [1]},
        {"lag_ms": 5},
        {"missing_scopes": ["crm.objects.unicorns.read"]},
        {"nonsense": 1},
        {"token": ""},
    ],
)
def test_an_invalid_config_changes_nothing(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """Not even the valid keys beside it."""
    before = own_api.get("/_sim/config").json()
    assert own_api.post("/_sim/config", json={"daily": 7, **body}).status_code == 400
    assert own_api.get("/_sim/config").json() == before
