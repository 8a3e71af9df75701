"""Properties that users add to the account."""

from typing import Any

import httpx
import pytest

DEALS = "/crm/objects/2026-09/0-3"
PROPERTIES = "/crm/properties/2026-09/deals"
SCORE = {
    "name": "dealqueue_score",
    "label": "Deal Queue score",
    "type": "number",
    "fieldType": "number",
    "groupName": "dealinformation",
}


def create(api: httpx.Client, path: str = PROPERTIES, **changes: Any) -> httpx.Response:
    return api.post(path, json={**SCORE, **changes})


def search(api: httpx.Client, value: str) -> httpx.Response:
    given = {"propertyName": "dealqueue_score", "operator": "GTE", "value": value}
    return api.post(f"{DEALS}/search", json={"filterGroups": [{"filters": [given]}], "properties": ["dealqueue_score"]})


@pytest.mark.parametrize("path", [PROPERTIES, "/crm/v3/properties/0-3"])
def test_a_created_property_is_read_written_and_searched(own_api: httpx.Client, path: str) -> None:
    """Like any other; before its creation, a search for it is a 400."""
    assert search(own_api, "5").status_code == 400
    answer = create(own_api, path)
    assert answer.status_code == 201
    definition = answer.json()
    assert definition.items() >= {**SCORE, "hubspotDefined": False, "hasUniqueValue": False}.items()
    assert own_api.get(f"{PROPERTIES}/dealqueue_score").json() == definition
    assert definition in own_api.get(PROPERTIES).json()["results"]
    deal = own_api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
    own_api.patch(f"{DEALS}/{deal}", json={"properties": {"dealqueue_score": 7}}).raise_for_status()
    found = search(own_api, "5").json()["results"]
    assert [(one["id"], one["properties"]["dealqueue_score"]) for one in found] == [(deal, "7")]
    assert own_api.patch(f"{DEALS}/{deal}", json={"properties": {"dealqueue_score": "high"}}).status_code == 400


def test_an_archived_property_is_unknown_again(own_api: httpx.Client) -> None:
    """A search that names it is a 400, which a sync meets after an administrator has removed a property."""
    create(own_api)
    assert search(own_api, "5").status_code == 200
    assert own_api.delete(f"{PROPERTIES}/dealqueue_score").status_code == 204
    assert search(own_api, "5").status_code == 400
    assert own_api.get(f"{PROPERTIES}/dealqueue_score").status_code == 404
    assert own_api.delete(f"{PROPERTIES}/amount").status_code == 400


def test_a_unique_property_identifies_a_deal(own_api: httpx.Client) -> None:
    """For reads and for upserts."""
    create(own_api, name="external_id", type="string", fieldType="text", hasUniqueValue=True).raise_for_status()
    properties = {"dealname": "Imported", "dealstage": "contractsent"}
    inputs = [{"id": "X-1", "idProperty": "external_id", "properties": properties}]
    created, changed = (
        own_api.post(f"{DEALS}/batch/upsert", json={"inputs": inputs}).json()["results"][0] for _ in range(2)
    )
    assert (created["new"], changed["new"], changed["id"]) == (True, False, created["id"])
    assert own_api.get(f"{DEALS}/X-1", params={"idProperty": "external_id"}).json()["id"] == created["id"]


def test_a_batch_of_properties_is_created_completely_or_not_at_all(own_api: httpx.Client) -> None:
    """201 for all; one existing property is a 409 for the whole batch."""
    names = ("dealqueue_issues", "dealqueue_checked_at")
    inputs = [{**SCORE, "name": name, "type": "string", "fieldType": "text"} for name in names]
    answer = own_api.post(f"{PROPERTIES}/batch/create", json={"inputs": inputs})
    assert (answer.status_code, [one["name"] for one in answer.json()["results"]]) == (201, list(names))
    again = own_api.post(f"{PROPERTIES}/batch/create", json={"inputs": [SCORE, inputs[0]]})
    assert (again.status_code, again.json()["category"]) == (409, "CONFLICT")
    assert own_api.get(f"{PROPERTIES}/dealqueue_score").status_code == 404


def test_options_of_an_enumeration_are_enforced(own_api: httpx.Client) -> None:
    """As for HubSpot's own properties."""
    options = [{"value": "hot", "label": "Hot"}, {"value": "cold", "label": "Cold"}]
    create(own_api, type="enumeration", fieldType="select", options=options).raise_for_status()
    deal = own_api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
    for value, status in (("hot", 200), ("warm", 400)):
        answer = own_api.patch(f"{DEALS}/{deal}", json={"properties": {"dealqueue_score": value}})
        assert answer.status_code == status


def test_groups_are_listed_and_created(own_api: httpx.Client) -> None:
    """A property requires an existing group."""
    path = f"{PROPERTIES}/groups"
    assert [group["name"] for group in own_api.get(path).json()["results"]] == ["dealinformation"]
    assert create(own_api, groupName="deal_queue").status_code == 400
    group = {"name": "deal_queue", "label": "Deal Queue"}
    assert own_api.post(path, json=group).status_code == 201
    assert own_api.post(path, json=group).status_code == 409
    assert create(own_api, groupName="deal_queue").status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Deal Score"},
        {"name": "1st"},
        {"name": ""},
        {"label": None},
        {"type": "unicorn"},
        {"type": "number", "fieldType": "text"},
        {"options": [7]},
        {"options": [{"value": "x"}]},
    ],
)
def test_an_invalid_property_is_refused(api: httpx.Client, changes: dict[str, Any]) -> None:
    """400, and it is not created."""
    assert create(api, **changes).status_code == 400
    assert api.get(f"{PROPERTIES}/dealqueue_score").status_code == 404


@pytest.mark.parametrize("object_type", ["deals", "contacts", "companies", "line_items", "notes", "tasks"])
def test_every_property_that_is_shown_is_defined(api: httpx.Client, object_type: str) -> None:
    """Each listed definition can be read by name, and its property requested."""
    definitions = api.get(f"/crm/properties/2026-09/{object_type}").json()["results"]
    names = [definition["name"] for definition in definitions]
    assert len(set(names)) == len(names)
    record = api.get(f"/crm/v3/objects/{object_type}", params={"limit": 1, "properties": ",".join(names)}).json()[
        "results"
    ]
    assert all(set(shown["properties"]) == set(names) for shown in record)
    assert api.get(f"/crm/properties/2026-09/{object_type}/{names[0]}").json() == definitions[0]


def test_definitions_mark_read_only_properties(api: httpx.Client) -> None:
    """Calculated properties are read only; enumerations list their options."""
    by_name = {entry["name"]: entry for entry in api.get("/crm/properties/2026-09/deals").json()["results"]}
    assert by_name["hs_is_closed"]["calculated"]
    assert by_name["hs_is_closed"]["modificationMetadata"]["readOnlyValue"]
    assert not by_name["amount"]["modificationMetadata"]["readOnlyValue"]
    assert {option["value"] for option in by_name["pipeline"]["options"]} == {"default", "748115230"}
    assert (by_name["closedate"]["type"], by_name["closedate"]["fieldType"]) == ("datetime", "date")
    assert by_name["hubspot_owner_id"]["externalOptions"]
