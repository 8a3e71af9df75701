"""Searches that HubSpot refuses: beyond a limit, or malformed."""

from typing import Any

import httpx
import pytest

PATH = "/crm/objects/2026-09/0-3/search"


def filter_of(name: str, operator: str, value: object = None) -> dict[str, Any]:
    given = {"propertyName": name, "operator": operator}
    return given if value is None else given | {"value": str(value)}


def test_a_filter_at_the_epoch_is_a_500(api: httpx.Client) -> None:
    """As Estuary's connector has met it: a search for everything starts at a later instant."""
    for value, status in (("0", 500), ("1970-01-01", 500), ("1000", 200)):
        given = filter_of("hs_lastmodifieddate", "GTE", value)
        assert api.post(PATH, json={"filterGroups": [{"filters": [given]}]}).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": "many"},
        {"limit": True},
        {"limit": 1.5},
        {"after": -1},
        {"after": "abc"},
        {"after": "9900", "limit": 101},
        {"after": 10_001},
        {"sorts": ["amount", "dealname"]},
        {"sorts": ["nonsense"]},
        {"sorts": [7]},
        {"sorts": "amount"},
        {"filterGroups": {}},
        {"filterGroups": [7]},
        {"filterGroups": [{"filters": [{}]}] * 6},
        {"filterGroups": [{"filters": [filter_of("amount", "GT", 1)] * 7}]},
        {"filterGroups": [{"filters": [filter_of("amount", "GT", 1)] * 5}] * 4},
        {"filterGroups": [{"filters": [{"propertyName": "amount"}]}]},
        {"filterGroups": [{"filters": [filter_of("amount", "LIKE", 1)]}]},
        {"filterGroups": [{"filters": [filter_of("amount", "GT")]}]},
        {"filterGroups": [{"filters": [filter_of("amount", "GT", "a lot")]}]},
        {"filterGroups": [{"filters": [filter_of("amount", "IN")]}]},
        {"filterGroups": [{"filters": [filter_of("amount", "BETWEEN", 1)]}]},
        {"filterGroups": [{"filters": [filter_of("hs_lastmodifieddate", "GTE", "yesterday")]}]},
        {"filterGroups": [{"filters": [filter_of("hs_lastmodifieddate", "GTE", "9" * 40)]}]},
        {"filterGroups": [{"filters": [{"propertyName": "amount", "operator": "EQ", "value": {"a": 1}}]}]},
        {"filterGroups": [{"filters": [filter_of("associations.unicorn", "EQ", 1)]}]},
        {"properties": "amount"},
        {"properties": [1]},
        {"query": 7},
        {"query": "x" * 3_000},
    ],
)
def test_an_invalid_search_is_refused_in_hubspots_format(api: httpx.Client, body: dict[str, Any]) -> None:
    """400 VALIDATION_ERROR, never a 500 or a traceback."""
    answer = api.post(PATH, json=body)
    assert answer.status_code == 400
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert answer.json()["status"] == "error"
