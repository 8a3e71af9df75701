"""Searching: groups of filters, words, the order and the pages of results."""

import httpx
import pytest

from sandbox.account.object_types import DEALS
from sandbox.testing import Running
from tests.sandbox.search.searches import expected, filter_of, matching, search


@pytest.mark.parametrize("limit", [1, 50, 200])
def test_a_keyset_search_visits_every_deal_exactly_once(api: httpx.Client, sandbox: Running, limit: int) -> None:
    """Ascending ids, always from the last one on, until a page holds all remaining results."""
    seen: list[int] = []
    while True:
        filters = [
            filter_of("hs_lastmodifieddate", "GTE", 1000),
            filter_of("hs_object_id", "GT", seen[-1] if seen else 0),
        ]
        sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        found = search(api, filterGroups=[{"filters": filters}], sorts=sorts, limit=limit)
        seen += [int(deal["id"]) for deal in found["results"]]
        if found["total"] <= len(found["results"]):
            break
    assert seen == list(sandbox.account.table(DEALS).live_ids)


def test_filters_are_joined_by_and_groups_by_or(api: httpx.Client) -> None:
    """A deal that satisfies two groups counts once."""
    won, rich = filter_of("dealstage", "EQ", "closedwon"), filter_of("amount", "GT", "20000")
    both = matching(api, won, rich)
    assert both == matching(api, won) & matching(api, rich)
    either = search(api, filterGroups=[{"filters": [won]}, {"filters": [rich]}], limit=200)
    assert {deal["id"] for deal in either["results"]} == matching(api, won) | matching(api, rich)
    assert either["total"] == len(either["results"])


def test_a_query_finds_deals_by_the_beginnings_of_words(api: httpx.Client, sandbox: Running) -> None:
    """`query` searches names and some more properties."""
    found = search(api, query="expan", limit=200)
    wanted = expected(
        sandbox, "dealname", lambda value: any(word.startswith("expan") for word in value.lower().split())
    )
    assert {deal["id"] for deal in found["results"]} == wanted
    assert wanted


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_sorting_puts_records_without_a_value_last(api: httpx.Client, direction: str) -> None:
    """Numbers by size, in both directions."""
    found = search(api, sorts=[{"propertyName": "amount", "direction": direction}], limit=200, after="100")
    amounts = [deal["properties"]["amount"] for deal in found["results"]]
    known = [float(amount) for amount in amounts if amount is not None]
    assert known == sorted(known, reverse=direction == "DESCENDING")
    assert amounts[len(known) :] == [None] * (len(amounts) - len(known))
    assert None in amounts


def test_the_default_order_is_that_of_creation(api: httpx.Client) -> None:
    """Without any sort."""
    created = [deal["createdAt"] for deal in search(api, limit=200)["results"]]
    assert created == sorted(created)


def test_offsets_page_through_the_results(api: httpx.Client) -> None:
    """`after` is an offset here; the last page has none."""
    first = search(api, limit=200)
    rest = search(api, limit=200, after=first["paging"]["next"]["after"])
    assert first["paging"]["next"]["after"] == "200"
    assert first["total"] == rest["total"] == len(first["results"]) + len(rest["results"]) == 300
    assert "paging" not in rest


def test_archived_deals_are_never_found(own_api: httpx.Client) -> None:
    """Not even by their id."""
    gone = own_api.post("/_sim/mutate", json={"archive": 1}).json()["archived"][0]
    assert gone not in matching(own_api)
    assert not matching(own_api, filter_of("hs_object_id", "EQ", gone))
    assert len(matching(own_api)) == 29
