"""Records in HubSpot's format: requested properties, history, inline associations."""

import httpx

from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"


def first_id(api: httpx.Client) -> str:
    return str(api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"])


def test_a_deal_has_the_default_properties_when_none_are_requested(api: httpx.Client) -> None:
    """Exactly HubSpot's default set, with null for properties without a value."""
    deal = api.get(f"{DEALS}/{first_id(api)}").json()
    assert deal.keys() == {"id", "properties", "createdAt", "updatedAt", "archived"}
    assert deal["properties"].keys() == {
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"
    }  # fmt: skip
    assert deal["updatedAt"] == deal["properties"]["hs_lastmodifieddate"]
    assert deal["id"] == deal["properties"]["hs_object_id"]


def test_requested_properties_without_a_value_are_null_and_undefined_ones_omitted(api: httpx.Client) -> None:
    """Comma separated and repeated parameters mean the same."""
    path = f"{DEALS}/{first_id(api)}"
    shown = api.get(path, params={"properties": "dealname,description,nonsense"}).json()["properties"]
    assert shown.keys() == {"createdate", "dealname", "description", "hs_lastmodifieddate", "hs_object_id"}
    assert shown["description"] is None
    assert api.get(path, params={"properties": ["dealname", "description"]}).json()["properties"] == shown


def test_inline_associations_name_the_primary_company_twice(api: httpx.Client, sandbox: Running) -> None:
    """As in HubSpot; the key of line items has a space; a missing key means no associations."""
    params = {"limit": "100", "associations": "contacts,companies,line_items"}
    keys = {"contacts": "contacts", "companies": "companies", "line_items": "line items"}
    for deal in api.get(DEALS, params=params).json()["results"]:
        shown = deal.get("associations", {})
        linked = {name: sandbox.account.associations.of("deals", int(deal["id"]), name) for name in keys}
        assert shown.keys() == {keys[name] for name, found in linked.items() if found}
        if "companies" in shown:
            types = [entry["type"] for entry in shown["companies"]["results"]]
            assert types == ["deal_to_company", "deal_to_company_unlabeled"]


def test_the_history_of_a_property_is_newest_first(api: httpx.Client) -> None:
    """The first version is the current value."""
    params = {"limit": "50", "properties": "dealstage", "propertiesWithHistory": "dealstage"}
    deals = api.get(DEALS, params=params).json()["results"]
    for deal in deals:
        versions = deal["propertiesWithHistory"]["dealstage"]
        assert versions[0]["value"] == deal["properties"]["dealstage"]
        times = [version["timestamp"] for version in versions]
        assert times == sorted(times, reverse=True)
    assert any(len(deal["propertiesWithHistory"]["dealstage"]) > 2 for deal in deals)
    body = {"inputs": [{"id": deal["id"]} for deal in deals], "properties": ["dealstage"]}
    batched = api.post(f"{DEALS}/batch/read", json={**body, "propertiesWithHistory": ["dealstage"]}).json()
    assert batched["results"] == deals
