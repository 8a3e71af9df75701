"""Properties that somebody adds to the account."""

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
    """As if it had always been there; before that, a search for it is a 400."""
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


def test_a_removed_property_is_unknown_again(own_api: httpx.Client) -> None:
    """A search that still names it is a 400: what a sync meets when an administrator cleans up."""
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


def test_many_are_created_at_once_or_none(own_api: httpx.Client) -> None:
    """201 for all; one that is there already is a 409 for the whole batch."""
    names = ("dealqueue_issues", "dealqueue_checked_at")
    inputs = [{**SCORE, "name": name, "type": "string", "fieldType": "text"} for name in names]
    answer = own_api.post(f"{PROPERTIES}/batch/create", json={"inputs": inputs})
    assert (answer.status_code, [one["name"] for one in answer.json()["results"]]) == (201, list(names))
    again = own_api.post(f"{PROPERTIES}/batch/create", json={"inputs": [SCORE, inputs[0]]})
    assert (again.status_code, again.json()["category"]) == (409, "CONFLICT")
    assert own_api.get(f"{PROPERTIES}/dealqueue_score").status_code == 404


def test_options_of_an_enumeration_are_enforced(own_api: httpx.Client) -> None:
    """As those of HubSpot's own."""
    options = [{"value": "hot", "label": "Hot"}, {"value": "cold", "label": "Cold"}]
    create(own_api, type="enumeration", fieldType="select", options=options).raise_for_status()
    deal = own_api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
    for value, status in (("hot", 200), ("warm", 400)):
        answer = own_api.patch(f"{DEALS}/{deal}", json={"properties": {"dealqueue_score": value}})
        assert answer.status_code == status


def test_groups_are_listed_and_created(own_api: httpx.Client) -> None:
    """A property needs one that is there."""
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
def test_a_property_that_cannot_be_is_refused(api: httpx.Client, changes: dict[str, Any]) -> None:
    """400, and there is none."""
    assert create(api, **changes).status_code == 400
    assert api.get(f"{PROPERTIES}/dealqueue_score").status_code == 404
