"""Listing and reading records, by both path families."""

from typing import Any

import httpx
import pytest

from sandbox.account.object_types import DEALS
from sandbox.testing import Running

FAMILIES = ("/crm/objects/2026-09/0-3", "/crm/objects/2025-09/deals", "/crm/v3/objects/deals", "/crm/v3/objects/0-3")


def pages(api: httpx.Client, path: str, **parameters: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list, followed by `after`."""
    found, after = [], None
    while True:
        body = api.get(path, params={**parameters, **({"after": after} if after else {})}).json()
        found.append(body["results"])
        if "paging" not in body:
            return found
        after = body["paging"]["next"]["after"]


def first_id(api: httpx.Client) -> str:
    return str(api.get(FAMILIES[0], params={"limit": 1}).json()["results"][0]["id"])


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_list_pages_partition_the_ids(api: httpx.Client, sandbox: Running, limit: int) -> None:
    """Followed by `after`, every deal is listed exactly once, by ascending id."""
    ids = [int(deal["id"]) for page in pages(api, FAMILIES[0], limit=limit) for deal in page]
    assert ids == list(sandbox.account.table(DEALS).live_ids)


def test_after_is_the_first_id_of_the_next_page(api: httpx.Client) -> None:
    """So that ranges of ids can be read in parallel."""
    body = api.get(FAMILIES[0], params={"limit": 5}).json()
    after = body["paging"]["next"]["after"]
    following = api.get(FAMILIES[0], params={"limit": 5, "after": after}).json()["results"]
    assert following[0]["id"] == after
    between = str(int(body["results"][1]["id"]) + 1)
    assert api.get(FAMILIES[0], params={"after": between, "limit": 1}).json()["results"][0] == body["results"][2]


def test_the_link_to_the_next_page_points_to_hubspot(api: httpx.Client) -> None:
    """An absolute URL at another host: a client that follows it sends its token there."""
    link = api.get(FAMILIES[0], params={"limit": 3, "properties": "amount"}).json()["paging"]["next"]["link"]
    assert link.startswith("https://api.hubapi.com/crm/objects/2026-09/0-3?limit=3&properties=amount&after=")


@pytest.mark.parametrize("path", FAMILIES)
def test_both_path_families_have_the_same_responses(api: httpx.Client, path: str) -> None:
    """Date versions, v3, type id and type name lead to the same handlers."""
    body, expected = (api.get(family, params={"limit": 3}).json() for family in (path, FAMILIES[0]))
    assert body["results"] == expected["results"]


def test_a_deal_has_the_default_properties_when_none_are_requested(api: httpx.Client) -> None:
    """Exactly HubSpot's default set, with null for properties without a value."""
    deal = api.get(f"{FAMILIES[0]}/{first_id(api)}").json()
    assert deal.keys() == {"id", "properties", "createdAt", "updatedAt", "archived"}
    assert deal["properties"].keys() == {
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"
    }  # fmt: skip
    assert deal["updatedAt"] == deal["properties"]["hs_lastmodifieddate"]
    assert deal["id"] == deal["properties"]["hs_object_id"]


def test_requested_properties_without_a_value_are_null_and_undefined_ones_omitted(api: httpx.Client) -> None:
    """Comma separated and repeated parameters mean the same."""
    path = f"{FAMILIES[0]}/{first_id(api)}"
    shown = api.get(path, params={"properties": "dealname,description,nonsense"}).json()["properties"]
    assert shown.keys() == {"createdate", "dealname", "description", "hs_lastmodifieddate", "hs_object_id"}
    assert shown["description"] is None
    assert api.get(path, params={"properties": ["dealname", "description"]}).json()["properties"] == shown


def test_calculated_properties_follow_the_stage(api: httpx.Client) -> None:
    """Closed or not, probability and weighted amount agree with the pipeline."""
    names = "dealstage,pipeline,amount,hs_is_closed,hs_is_closed_won,hs_deal_stage_probability,hs_projected_amount"
    for deal in api.get(FAMILIES[0], params={"limit": 100, "properties": names}).json()["results"]:
        shown = deal["properties"]
        probability = float(shown["hs_deal_stage_probability"])
        assert shown["hs_is_closed"] == str(probability in (0, 1)).lower()
        assert shown["hs_is_closed_won"] == str(probability == 1).lower()
        if shown["amount"] is not None:
            assert float(shown["hs_projected_amount"]) == pytest.approx(float(shown["amount"]) * probability, abs=0.01)


def test_inline_associations_name_the_primary_company_twice(api: httpx.Client, sandbox: Running) -> None:
    """As in HubSpot; the key of line items has a space; a missing key means no associations."""
    params = {"limit": "100", "associations": "contacts,companies,line_items"}
    keys = {"contacts": "contacts", "companies": "companies", "line_items": "line items"}
    for deal in api.get(FAMILIES[0], params=params).json()["results"]:
        shown = deal.get("associations", {})
        linked = {name: sandbox.account.associations.of("deals", int(deal["id"]), name) for name in keys}
        assert shown.keys() == {keys[name] for name, found in linked.items() if found}
        if "companies" in shown:
            types = [entry["type"] for entry in shown["companies"]["results"]]
            assert types == ["deal_to_company", "deal_to_company_unlabeled"]


def test_the_history_of_a_property_is_newest_first(api: httpx.Client) -> None:
    """The first version is the current value."""
    params = {"limit": "50", "properties": "dealstage", "propertiesWithHistory": "dealstage"}
    deals = api.get(FAMILIES[0], params=params).json()["results"]
    for deal in deals:
        versions = deal["propertiesWithHistory"]["dealstage"]
        assert versions[0]["value"] == deal["properties"]["dealstage"]
        times = [version["timestamp"] for version in versions]
        assert times == sorted(times, reverse=True)
    assert any(len(deal["propertiesWithHistory"]["dealstage"]) > 2 for deal in deals)
    body = {"inputs": [{"id": deal["id"]} for deal in deals], "properties": ["dealstage"]}
    batched = api.post(f"{FAMILIES[0]}/batch/read", json={**body, "propertiesWithHistory": ["dealstage"]}).json()
    assert batched["results"] == deals


def test_a_contact_is_found_by_its_email(api: httpx.Client) -> None:
    """`idProperty` works for unique properties and is refused for others."""
    contact = api.get("/crm/objects/2026-09/contacts", params={"limit": 1}).json()["results"][0]
    email = contact["properties"]["email"]
    found = api.get(f"/crm/objects/2026-09/contacts/{email.upper()}", params={"idProperty": "email"})
    assert found.json()["id"] == contact["id"]
    refused = api.get("/crm/objects/2026-09/contacts/Anna", params={"idProperty": "firstname"})
    assert refused.status_code == 400


def test_a_batch_read_returns_existing_deals_by_ascending_id(api: httpx.Client) -> None:
    """Regardless of the order and repetition of the inputs."""
    ids = [deal["id"] for deal in api.get(FAMILIES[0], params={"limit": 3}).json()["results"]]
    inputs = [{"id": ids[2]}, {"id": ids[0]}, {"id": ids[2]}, {"id": ids[1]}]
    answer = api.post(f"{FAMILIES[0]}/batch/read", json={"inputs": inputs, "properties": ["dealname"]})
    assert answer.status_code == 200
    assert [deal["id"] for deal in answer.json()["results"]] == ids
    assert answer.json()["status"] == "COMPLETE"


@pytest.mark.parametrize("object_type", ["contacts", "companies", "line_items", "notes"])
def test_every_object_type_is_listed_and_read_in_batches(api: httpx.Client, object_type: str) -> None:
    """The same routes serve all of them."""
    listed = api.get(f"/crm/objects/2026-09/{object_type}", params={"limit": 5}).json()["results"]
    answer = api.post(
        f"/crm/objects/2026-09/{object_type}/batch/read", json={"inputs": [{"id": item["id"]} for item in listed]}
    )
    assert answer.json()["results"] == listed
    assert len(listed) == 5


def test_the_amount_of_a_line_item_is_its_net_price(api: httpx.Client) -> None:
    """(price - discount) x quantity."""
    names = "price,quantity,discount,amount"
    items = api.get("/crm/objects/2026-09/line_items", params={"limit": 100, "properties": names}).json()["results"]
    for item in items:
        shown = item["properties"]
        net = (float(shown["price"]) - float(shown["discount"] or 0)) * float(shown["quantity"])
        assert float(shown["amount"]) == pytest.approx(net, abs=0.01)
    assert any(item["properties"]["discount"] for item in items)
