"""Faults on demand: whom they strike, pages that lie, connections that break. Refusals: test_error_responses.py."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.faults.kinds import FaultKind
from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"
SEARCH = f"{DEALS}/search"


def ask_for(api: httpx.Client, kind: str, **options: Any) -> None:
    assert api.post("/_sim/fault", json={"kind": kind, **options}).status_code == 201


def applied(api: httpx.Client) -> list[int]:
    return [fault["applied"] for fault in api.get("/_sim/fault").json()["faults"]]


def ids(answer: httpx.Response) -> list[str]:
    return [deal["id"] for deal in answer.json()["results"]]


def search(api: httpx.Client, last: str = "0", limit: int = 10) -> httpx.Response:
    given = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    body = {"filterGroups": [{"filters": [given]}], "sorts": ["hs_object_id"], "limit": limit}
    return api.post(SEARCH, json=body)


def test_a_fault_strikes_what_it_is_meant_for(own_api: httpx.Client) -> None:
    """Method and path pattern, after `skip` requests, `times` times."""
    ask_for(own_api, "server_error", method="POST", path=r"/search$", skip=2, times=3)
    assert own_api.get(DEALS).status_code == 200
    assert [search(own_api).status_code for _ in range(6)] == [200, 200, 500, 500, 500, 200]
    assert applied(own_api) == [3]


def test_a_fault_can_look_at_the_query(own_api: httpx.Client) -> None:
    """Only the recycle bin fails."""
    ask_for(own_api, "unavailable", path=r"0-3\?.*archived=true", times=None)
    assert own_api.get(DEALS).status_code == 200
    assert [own_api.get(DEALS, params={"archived": "true"}).status_code for _ in range(3)] == [503] * 3


def test_faults_can_be_cleared(own_api: httpx.Client) -> None:
    """Nothing is left of them."""
    ask_for(own_api, "unauthorized", times=None)
    assert own_api.get(DEALS).status_code == 401
    assert own_api.delete("/_sim/fault").json() == {"faults": []}
    assert own_api.get(DEALS).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "earthquake"}, {"kind": "hang", "path": "("}, {"kind": "hang", "times": 0}, {"kind": 1, "x": 1}],
)
def test_a_fault_that_is_none_is_refused(own_api: httpx.Client, body: dict[str, Any]) -> None:
    """With a 400, and nothing strikes."""
    assert own_api.post("/_sim/fault", json=body).status_code == 400
    assert own_api.get("/_sim/fault").json() == {"faults": []}


def test_a_page_can_come_twice(fresh_api: httpx.Client) -> None:
    """The route's previous page in place of the one that was asked for; the first page has no previous one."""
    ask_for(fresh_api, "duplicate_page", path="search")
    first = search(fresh_api)
    again = search(fresh_api, last=ids(first)[-1])
    assert ids(again) == ids(first)
    assert ids(search(fresh_api, last=ids(first)[-1])) > ids(first)


@pytest.mark.parametrize("page", ["search", "list"])
def test_a_page_can_be_short(own_api: httpx.Client, page: str) -> None:
    """Nothing is lost: the rest is reached by keyset and by cursor, and `total` stays true."""
    whole = ids(search(own_api))
    ask_for(own_api, "short_page")
    if page == "search":
        short = search(own_api)
        assert short.json()["total"] == 30
        rest = own_api.post(SEARCH, json={"sorts": ["hs_object_id"], **short.json()["paging"]["next"]})
    else:
        short = own_api.get(DEALS)
        rest = own_api.get(DEALS, params=short.json()["paging"]["next"])
    assert ids(short) == whole[:5]
    assert ids(rest)[:5] == whole[5:]


def test_a_cursor_can_repeat_itself(own_api: httpx.Client) -> None:
    """Whoever follows it never ends."""
    cursor = own_api.get(DEALS).json()["paging"]["next"]["after"]
    ask_for(own_api, "repeated_cursor", times=2)
    assert own_api.get(DEALS, params={"after": cursor}).json()["paging"]["next"]["after"] == cursor
    assert own_api.post(SEARCH, json={"limit": 5, "after": "5"}).json()["paging"]["next"]["after"] == "5"


def test_a_page_can_be_empty_although_there_is_more(own_api: httpx.Client) -> None:
    """`total` says so."""
    ask_for(own_api, "empty_page")
    empty = search(own_api).json()
    assert (empty["total"], empty["results"]) == (30, [])
    assert len(ids(search(own_api))) == 10


def test_a_page_can_be_out_of_order(own_api: httpx.Client) -> None:
    """The same deals: the highest id does not stand last."""
    whole = ids(search(own_api))
    ask_for(own_api, "out_of_order")
    shuffled = ids(search(own_api))
    assert sorted(shuffled) == whole
    assert shuffled != whole


def test_bodies_can_be_something_else(own_api: httpx.Client) -> None:
    """HTML with a 200, nothing with a 200, half a JSON text that claims to be whole."""
    for kind in ("wrong_content_type", "empty_body", "cut_json"):
        ask_for(own_api, kind)
    html, empty, cut = (own_api.get(DEALS) for _ in range(3))
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (empty.status_code, empty.content) == (200, b"")
    assert int(cut.headers["Content-Length"]) == len(cut.content)
    with pytest.raises(ValueError, match=r"."):
        cut.json()


def test_a_body_can_end_before_it_should(own_api: httpx.Client) -> None:
    """The whole length is announced, half of it comes."""
    ask_for(own_api, "truncated_json")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_a_connection_can_be_reset(own_api: httpx.Client, own_sandbox: Running) -> None:
    """Connection reset by peer; what was asked for was not done."""
    deal = ids(own_api.get(DEALS))[0]
    ask_for(own_api, "reset", method="PATCH")
    with pytest.raises(httpx.ReadError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] != "4711"


def test_a_write_can_be_done_without_an_answer(own_api: httpx.Client) -> None:
    """The client cannot know; HubSpot has no idempotency keys."""
    deal = ids(own_api.get(DEALS))[0]
    ask_for(own_api, "write_then_cut", method="PATCH")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.patch(f"{DEALS}/{deal}", json={"properties": {"amount": "4711"}})
    assert own_api.get("/_sim/truth").json()[deal]["amount"] == "4711"


def test_a_request_can_hang(own_api: httpx.Client) -> None:
    """Until the client loses patience; or until the time that was given, and then the connection ends."""
    ask_for(own_api, "hang")
    with pytest.raises(httpx.ReadTimeout):
        own_api.get(DEALS, timeout=0.1)
    ask_for(own_api, "hang", seconds=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get(DEALS)
    assert own_api.get(DEALS).status_code == 200


def test_an_answer_can_drip(own_api: httpx.Client) -> None:
    """Slow, but whole and right."""
    whole = own_api.get(DEALS).json()
    ask_for(own_api, "slow_drip", seconds=0.2)
    dripped = own_api.get(DEALS)
    assert dripped.json() == whole
    assert dripped.elapsed.total_seconds() >= 0.15


def test_what_was_applied_is_counted(fresh_api: httpx.Client) -> None:
    """By kind, in the statistics too; the journal has status 0 for what got no answer."""
    ask_for(fresh_api, "reset")
    ask_for(fresh_api, "locked", times=2)
    with pytest.raises(httpx.TransportError):
        fresh_api.get(DEALS)
    for _ in range(2):
        fresh_api.get(DEALS)
    assert fresh_api.get("/_sim/stats").json()["faults"] == {"reset": 1, "locked": 2}
    journal = fresh_api.get("/_sim/journal").json()["requests"]
    assert [entry["status"] for entry in journal] == [0, 423, 423]


def test_every_kind_of_fault_is_under_test() -> None:
    """A new kind needs a test here, or in test_error_responses.py."""
    texts = [path.read_text() for path in (Path(__file__), Path(__file__).with_name("test_error_responses.py"))]
    assert [kind.value for kind in FaultKind if not any(f'"{kind.value}"' in text for text in texts)] == []
