"""Searching: the meaning of filters, the order and the pages of results."""

from typing import Any

import httpx
import pytest

from sandbox.account.object_types import COMPANIES, DEALS
from sandbox.testing import Running

PATH = "/crm/objects/2026-09/0-3/search"


def search(api: httpx.Client, path: str = PATH, **body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def matching(api: httpx.Client, *filters: dict[str, Any]) -> set[str]:
    """The ids of all deals that satisfy all of these filters."""
    found = search(api, filterGroups=[{"filters": list(filters)}], limit=200)
    ids = {deal["id"] for deal in found["results"]}
    if found["total"] > 200:
        rest = search(api, filterGroups=[{"filters": list(filters)}], limit=200, after="200")
        ids |= {deal["id"] for deal in rest["results"]}
    assert len(ids) == found["total"]
    return ids


def filter_of(name: str, operator: str, value: object = None, **more: object) -> dict[str, Any]:
    given = {"propertyName": name, "operator": operator, **more}
    return given if value is None else given | {"value": str(value)}


def expected(sandbox: Running, name: str, test: Any) -> set[str]:
    """The ids of the deals whose stored property satisfies the test."""
    account = sandbox.account
    return {str(deal.id) for deal in account.table(DEALS) if test(account.read(DEALS, deal, name))}


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


@pytest.mark.parametrize(
    ("operator", "test"),
    [
        ("EQ", lambda value: value == 10_000),
        ("NEQ", lambda value: value != 10_000),
        ("GT", lambda value: value > 10_000),
        ("GTE", lambda value: value >= 10_000),
        ("LT", lambda value: value < 10_000),
        ("LTE", lambda value: value <= 10_000),
    ],
)
def test_numbers_are_compared_as_numbers(api: httpx.Client, sandbox: Running, operator: str, test: Any) -> None:
    """9,000 is less than 10,000; a deal without an amount satisfies no comparison."""
    wanted = expected(sandbox, "amount", lambda value: value is not None and test(float(value)))
    assert matching(api, filter_of("amount", operator, "10000")) == wanted


def test_ids_are_compared_as_numbers(api: httpx.Client, sandbox: Running) -> None:
    """Ten digits come before eleven, unlike in text."""
    crossing = 10**10
    wanted = {str(number) for number in sandbox.account.table(DEALS).live_ids if number > crossing}
    assert 0 < len(wanted) < len(sandbox.account.table(DEALS))
    assert matching(api, filter_of("hs_object_id", "GT", crossing)) == wanted


def test_dates_are_given_in_milliseconds_or_iso(api: httpx.Client, sandbox: Running) -> None:
    """Both find the same deals; BETWEEN includes both ends."""
    times = sorted(deal.modified_ms for deal in sandbox.account.table(DEALS))
    low, high = times[50], times[120]
    in_ms = matching(api, filter_of("hs_lastmodifieddate", "BETWEEN", low, highValue=str(high)))
    iso = {str(deal.id) for deal in sandbox.account.table(DEALS) if low <= deal.modified_ms <= high}
    assert in_ms == iso
    assert matching(api, filter_of("createdate", "GTE", "2026-01-01")) == matching(
        api, filter_of("createdate", "GTE", "1767225600000")
    )


def test_deals_with_and_without_a_property_are_all_deals(api: httpx.Client, sandbox: Running) -> None:
    """Each set agrees with the stored records."""
    having = matching(api, filter_of("hubspot_owner_id", "HAS_PROPERTY"))
    lacking = matching(api, filter_of("hubspot_owner_id", "NOT_HAS_PROPERTY"))
    assert lacking == expected(sandbox, "hubspot_owner_id", lambda value: value is None)
    assert len(having) + len(lacking) == len(sandbox.account.table(DEALS))
    assert lacking


def test_in_and_not_in_take_lists(api: httpx.Client, sandbox: Running) -> None:
    """Options are compared unchanged."""
    stages = ["closedwon", "closedlost"]
    assert matching(api, filter_of("dealstage", "IN", values=stages)) == expected(
        sandbox, "dealstage", lambda value: value in stages
    )
    assert matching(api, filter_of("dealstage", "NOT_IN", values=stages)) == expected(
        sandbox, "dealstage", lambda value: value not in stages
    )


def test_strings_are_compared_in_any_case_but_in_lists_only_in_lower_case(api: httpx.Client, sandbox: Running) -> None:
    """HubSpot's own rule."""
    name = next(deal.properties["hs_next_step"] for deal in sandbox.account.table(DEALS) if deal.get("hs_next_step"))
    assert matching(api, filter_of("hs_next_step", "EQ", name.upper())) == expected(
        sandbox, "hs_next_step", lambda value: value == name
    )
    assert matching(api, filter_of("hs_next_step", "IN", values=[name.lower()]))
    assert not matching(api, filter_of("hs_next_step", "IN", values=[name.upper()]))


def test_tokens_are_whole_words_with_wildcards(api: httpx.Client, sandbox: Running) -> None:
    """`renewal` is found as a word, `renew*` by its beginning, `enewal` not at all."""
    wanted = expected(sandbox, "dealname", lambda value: "renewal" in value.lower().replace("_", " "))
    assert wanted
    assert matching(api, filter_of("dealname", "CONTAINS_TOKEN", "renewal")) <= wanted
    assert matching(api, filter_of("dealname", "CONTAINS_TOKEN", "RENEW*")) == wanted
    assert not matching(api, filter_of("dealname", "CONTAINS_TOKEN", "enewal"))


def test_filters_are_joined_by_and_groups_by_or(api: httpx.Client) -> None:
    """A deal that satisfies two groups counts once."""
    won, rich = filter_of("dealstage", "EQ", "closedwon"), filter_of("amount", "GT", "20000")
    both = matching(api, won, rich)
    assert both == matching(api, won) & matching(api, rich)
    either = search(api, filterGroups=[{"filters": [won]}, {"filters": [rich]}], limit=200)
    assert {deal["id"] for deal in either["results"]} == matching(api, won) | matching(api, rich)
    assert either["total"] == len(either["results"])


def test_calculated_properties_can_be_filtered(api: httpx.Client, sandbox: Running) -> None:
    """They are computed for the comparison."""
    assert matching(api, filter_of("hs_is_closed_won", "EQ", "true")) == expected(
        sandbox, "hs_is_closed_won", lambda value: value == "true"
    )


def test_deals_of_a_company_are_found_by_the_pseudo_property(api: httpx.Client, sandbox: Running) -> None:
    """`associations.company` EQ id."""
    company = next(iter(sandbox.account.table(COMPANIES)))
    deals = {str(deal) for deal in sandbox.account.associations.of("companies", company.id, "deals")}
    assert matching(api, filter_of("associations.company", "EQ", company.id)) == deals
    assert deals


def test_a_company_is_found_by_its_domain(api: httpx.Client, sandbox: Running) -> None:
    """Exactly that one."""
    company = next(iter(sandbox.account.table(COMPANIES)))
    domain = company.properties["domain"].upper()
    path = "/crm/objects/2026-09/companies/search"
    found = search(api, path, filterGroups=[{"filters": [filter_of("domain", "EQ", domain)]}], properties=["name"])
    assert [entry["id"] for entry in found["results"]] == [str(company.id)]
    assert found["total"] == 1


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
