"""Faults that alter the response: its body, or the page of results in it."""

import httpx
import pytest

from tests.sandbox.faults.requests import DEALS, SEARCH, add_fault, ids, search


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


def test_a_value_can_be_any_text(own_api: httpx.Client) -> None:
    """Of a field or a property, of the first record or the named one; a page without that record waits."""
    first, second = ids(search(own_api))[:2]
    add_fault(own_api, "odd_value", record=second, value='"1,800.00"', times=2)
    page = search(own_api).json()["results"]
    assert [deal["properties"].get("amount") == "1,800.00" for deal in page[:2]] == [False, True]
    own_api.get(f"{DEALS}/{first}")
    assert own_api.get(f"{DEALS}/{second}").json()["properties"]["amount"] == "1,800.00"
    add_fault(own_api, "odd_value", field="archived", value=r'"\ud83d"')
    assert b'"archived":"\\ud83d"' in search(own_api).content


def test_total_and_paging_can_contradict_each_other(own_api: httpx.Client) -> None:
    """One of them says that the search ends, the other one does not; the fault waits for a page that has a next one."""
    last = search(own_api, limit=30).json()
    for kind in ("small_total", "zero_total", "missing_next"):
        add_fault(own_api, kind)
    assert search(own_api, limit=30).json() == last
    small, zero, missing = (search(own_api).json() for _ in range(3))
    assert (small["total"], len(small["results"]), "paging" in small) == (10, 10, True)
    assert (zero["total"], zero["results"], "paging" in zero) == (0, [], True)
    assert (missing["total"], len(missing["results"]), "paging" in missing) == (30, 10, False)


def test_a_total_can_be_huge(own_api: httpx.Client) -> None:
    """A list has none."""
    add_fault(own_api, "huge_total")
    assert "total" not in own_api.get(DEALS).json()
    assert search(own_api).json()["total"] == 10**12


def test_a_page_can_look_like_the_end(own_api: httpx.Client) -> None:
    """Empty, and nothing in it says that there is more."""
    add_fault(own_api, "false_end", times=2)
    assert search(own_api).json() == {"total": 0, "results": []}
    assert own_api.get(DEALS).json() == {"results": []}
