"""The meaning of each operator of a filter."""

from typing import Any

import httpx
import pytest

from sandbox.account.object_types import COMPANIES, DEALS
from sandbox.testing import Running
from tests.sandbox.search.searches import expected, filter_of, matching, search


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
