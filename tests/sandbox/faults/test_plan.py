"""Which requests a fault applies to, and how often."""

from pathlib import Path

import httpx
import pytest

from sandbox.faults.kinds import FaultKind
from tests.sandbox.faults.requests import DEALS, add_fault, applied, search


def test_a_fault_applies_to_matching_requests(own_api: httpx.Client) -> None:
    """Those of its method and path pattern, after `skip` requests, `times` times."""
    add_fault(own_api, "server_error", method="POST", path=r"/search$", skip=2, times=3)
    assert own_api.get(DEALS).status_code == 200
    assert [search(own_api).status_code for _ in range(6)] == [200, 200, 500, 500, 500, 200]
    assert applied(own_api) == [3]


def test_a_fault_can_match_the_query(own_api: httpx.Client) -> None:
    """Only requests for archived deals fail."""
    add_fault(own_api, "unavailable", path=r"0-3\?.*archived=true", times=None)
    assert own_api.get(DEALS).status_code == 200
    assert [own_api.get(DEALS, params={"archived": "true"}).status_code for _ in range(3)] == [503] * 3


def test_faults_can_be_cleared(own_api: httpx.Client) -> None:
    """No later request fails."""
    add_fault(own_api, "unauthorized", times=None)
    assert own_api.get(DEALS).status_code == 401
    assert own_api.delete("/_sim/fault").json() == {"faults": []}
    assert own_api.get(DEALS).status_code == 200


def test_applied_faults_are_counted(fresh_api: httpx.Client) -> None:
    """By kind, in the statistics too; the journal has status 0 for a request without a response."""
    add_fault(fresh_api, "reset")
    add_fault(fresh_api, "locked", times=2)
    with pytest.raises(httpx.TransportError):
        fresh_api.get(DEALS)
    for _ in range(2):
        fresh_api.get(DEALS)
    assert fresh_api.get("/_sim/stats").json()["faults"] == {"reset": 1, "locked": 2}
    journal = fresh_api.get("/_sim/journal").json()["requests"]
    assert [entry["status"] for entry in journal] == [0, 423, 423]


def test_every_kind_of_fault_has_a_test() -> None:
    """In one of the files of this folder."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    assert [kind.value for kind in FaultKind if not any(f'"{kind.value}"' in text for text in texts)] == []
