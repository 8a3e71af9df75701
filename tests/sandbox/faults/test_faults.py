"""Faults: which requests they apply to, altered responses, broken connections. Errors: test_error_responses.py."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults.kinds import FaultKind
from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
SEARCH = f"{DEALS}/search"


def add_fault(api: httpx.Client, kind: str, **options: Any) -> None:
    assert api.post("/_sim/fault", json={"kind": kind, **options}).status_code == 201


def applied(api: httpx.Client) -> list[int]:
    return [fault["applied"] for fault in api.get("/_sim/fault").json()["faults"]]


def ids(answer: httpx.Response) -> list[str]:
    return [deal["id"] for deal in answer.json()["results"]]


def search(api: httpx.Client, last: str = "0", limit: int = 10) -> httpx.Response:
    given = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    body = {"filterGroups": [{"filters": [given]}], "sorts": ["hs_object_id"], "limit": limit}
    return api.post(SEARCH, json=body)


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


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "earthquake"}, {"kind": "hang", "path": "("}, {"kind": "hang", "times": 0}, {"kind": 1, "x": 1}],
)
def test_an_invalid_fault_is_refused(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """With a 400, and no fault is added."""
    assert own_api.post("/_sim/fault", json=body).status_code == 400
    assert own_api.get("/_sim/fault").json() == {"faults": []}


def test_a_page_can_be_repeated(fresh_api: httpx.Client) -> None:
    """The route returns its previous page instead of the requested one; the first page has no previous one."""
    add_fault(fresh_api, "duplicate_page", path="search")
    first = search(fresh_api)
    again = search(fresh_api, last=ids(first)[-1])
    assert ids(again) == ids(first)
    assert ids(search(fresh_api, last=ids(first)[-1])) > ids(first)


@pytest.mark.parametrize("page", ["search", "list"])
def test_a_page_can_be_short(own_api: httpx.Client, page: str) -> None:
    """No deal is lost: keyset and cursor both reach the rest, and `total` remains correct."""
    whole = ids(search(own_api))
    add_fault(own_api, "short_page")
    if page == "search":
        short = search(own_api)
        assert short.json()["total"] == 30
        rest = own_api.post(SEARCH, json={"sorts": ["hs_object_id"], **short.json()["paging"]["next"]})
    else:
        short = own_api.get(DEALS)
        rest = own_api.get(DEALS, params=short.json()["paging"]["next"])
    assert ids(short) == whole[:5]
    assert ids(rest)[:5] == whole[5:]


def test_a_cursor_can_be_repeated(own_api: httpx.Client) -> None:
    """A client that follows it never ends."""
    cursor = own_api.get(DEALS).json()["paging"]["next"]["after"]
    add_fault(own_api, "repeated_cursor", times=2)
    assert own_api.get(DEALS, params={"after": cursor}).json()["paging"]["next"]["after"] == cursor
    assert own_api.post(SEARCH, json={"limit": 5, "after": "5"}).json()["paging"]["next"]["after"] == "5"


def test_a_page_can_be_empty_although_there_are_results(own_api: httpx.Client) -> None:
    """`total` still counts them."""
    add_fault(own_api, "empty_page")
    empty = search(own_api).json()
    assert (empty["total"], empty["results"]) == (30, [])
    assert len(ids(search(own_api))) == 10


def test_a_page_can_be_out_of_order(own_api: httpx.Client) -> None:
    """The same deals, but the highest id is not the last one."""
    whole = ids(search(own_api))
    add_fault(own_api, "out_of_order")
    shuffled = ids(search(own_api))
    assert sorted(shuffled) == whole
    assert shuffled != whole


def test_bodies_can_be_replaced(own_api: httpx.Client) -> None:
    """HTML with a 200, an empty body with a 200, half of the JSON with a matching length."""
    for kind in ("wrong_content_type", "empty_body", "cut_json"):
        add_fault(own_api, kind)
    html, empty, cut = (own_api.get(DEALS) for _ in range(3))
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (empty.status_code, empty.content) == (200, b"")
    assert int(cut.headers["Content-Length"]) == len(cut.content)
    with pytest.raises(ValueError, match=r"."):
        cut.json()


def test_a_body_can_end_early(own_api: httpx.Client) -> None:
    """The header announces the whole length, but only half of the body is sent."""
    add_fault(own_api, "truncated_json")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_connection_can_be_reset(own_api: httpx.Client, own_sandbox: Running) -> None:
    """Connection reset by peer; the request was not carried out."""
    deal = ids(own_api.get(DEALS))[0]
    add_fault(own_api, "reset", method="PATCH")
    with pytest.raises(httpx.ReadError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] != "4711"


def test_a_write_can_be_carried_out_without_a_response(own_api: httpx.Client) -> None:
    """The client cannot know; HubSpot has no idempotency keys."""
    deal = ids(own_api.get(DEALS))[0]
    add_fault(own_api, "write_then_cut", method="PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] == "4711"


def test_a_request_can_hang(own_api: httpx.Client) -> None:
    """Until the client times out; or for the given time, after which the connection closes."""
    add_fault(own_api, "hang")
    with pytest.raises(httpx.ReadTimeout):
        own_api.get(DEALS, timeout=0.1)
    add_fault(own_api, "hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_response_can_be_slow(own_api: httpx.Client) -> None:
    """In pieces, but complete and correct."""
    whole = own_api.get(DEALS).json()
    add_fault(own_api, "slow_drip", seconds=0.2)
    dripped = own_api.get(DEALS)
    assert dripped.json() == whole
    assert dripped.elapsed.total_seconds() >= 0.15


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
    """A new kind needs a test here, or in test_error_responses.py."""
    texts = [path.read_text() for path in (Path(__file__), Path(__file__).with_name("test_error_responses.py"))]
    assert [kind.value for kind in FaultKind if not any(f'"{kind.value}"' in text for text in texts)] == []
