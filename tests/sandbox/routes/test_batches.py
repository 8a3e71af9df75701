"""Writing up to a hundred records at once."""

from typing import Any

import httpx
import pytest

DEALS = "/crm/objects/2026-09/0-3"
STAGE: dict[str, Any] = {"dealstage": "contractsent", "pipeline": "default"}


def batch(api: httpx.Client, what: str, inputs: list[dict[str, Any]], path: str = DEALS) -> httpx.Response:
    return api.post(f"{path}/batch/{what}", json={"inputs": inputs})


def truth(api: httpx.Client) -> dict[str, Any]:
    known: dict[str, Any] = api.get("/_sim/truth").json()
    return known


@pytest.mark.parametrize("path", [DEALS, "/crm/v3/objects/deals"])
def test_a_hundred_deals_are_created_with_one_timestamp(own_api: httpx.Client, path: str) -> None:
    """201, in the order of the inputs, with their associations (recorded traffic)."""
    contact = own_api.get("/crm/objects/2026-09/contacts", params={"limit": 1}).json()["results"][0]["id"]
    link = {"to": {"id": contact}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]}
    inputs: list[dict[str, Any]] = [
        {"properties": {"dealname": f"Deal {n}", **STAGE}, "associations": [link]} for n in range(100)
    ]
    answer = batch(own_api, "create", inputs, path)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (201, "COMPLETE")
    assert [deal["properties"]["dealname"] for deal in body["results"]] == [f"Deal {n}" for n in range(100)]
    assert len({deal["updatedAt"] for deal in body["results"]}) == 1
    linked = own_api.get(f"{DEALS}/{body['results'][7]['id']}/associations/contacts").json()["results"]
    assert [entry["toObjectId"] for entry in linked] == [int(contact)]


def test_a_hundred_deals_are_changed_with_one_timestamp(own_api: httpx.Client) -> None:
    """More than a page of records with equal timestamps is not rare."""
    deals = list(truth(own_api))
    answer = batch(own_api, "update", [{"id": deal, "properties": {"amount": "5"}} for deal in deals])
    assert answer.status_code == 200
    assert {deal["id"] for deal in answer.json()["results"]} == set(deals)
    after = truth(own_api)
    assert {after[deal]["amount"] for deal in deals} == {"5"}
    assert len({after[deal]["lastModified"] for deal in deals}) == 1


def test_a_deal_that_occurs_twice_in_a_batch_has_both_changes(own_api: httpx.Client) -> None:
    """The later input does not undo the earlier one."""
    deal = next(iter(truth(own_api)))
    changes = [{"dealname": "Twice"}, {"amount": "5"}]
    assert batch(own_api, "update", [{"id": deal, "properties": change} for change in changes]).status_code == 200
    after = truth(own_api)[deal]
    assert (after["dealname"], after["amount"]) == ("Twice", "5")


def test_a_batch_with_missing_deals_is_a_207_and_changes_the_others(own_api: httpx.Client) -> None:
    """One error entry names all missing deals, as for a batch read."""
    deal = next(iter(truth(own_api)))
    answer = batch(own_api, "update", [{"id": one, "properties": {"amount": "5"}} for one in ("1", deal, "2")])
    body = answer.json()
    assert (answer.status_code, body["numErrors"]) == (207, 1)
    assert body["errors"][0]["context"] == {"ids": ["1", "2"]}
    assert [changed["id"] for changed in body["results"]] == [deal]


@pytest.mark.parametrize("what", ["create", "update"])
def test_one_wrong_value_refuses_the_whole_batch(own_api: httpx.Client, what: str) -> None:
    """400, and nothing is changed."""
    before = truth(own_api)
    right, wrong = {"dealname": "Right", **STAGE}, {"dealname": "Wrong", **STAGE, "amount": "a lot"}
    inputs = [{"id": next(iter(before)), "properties": given} for given in (right, wrong)]
    answer = batch(own_api, what, inputs)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "INVALID_INTEGER"
    assert truth(own_api) == before


def test_an_upsert_updates_existing_deals_and_creates_missing_ones(own_api: httpx.Client) -> None:
    """By a property with unique values; `new` is true for a created deal."""
    contact = own_api.get("/crm/objects/2026-09/contacts", params={"limit": 1}).json()["results"][0]
    inputs = [
        {"id": email, "idProperty": "email", "properties": {"firstname": "Upserted"}}
        for email in (contact["properties"]["email"], "nobody@example.com")
    ]
    answer = batch(own_api, "upsert", inputs, "/crm/objects/2026-09/contacts")
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [one["new"] for one in results] == [False, True]
    assert results[0]["id"] == contact["id"]
    found = own_api.get("/crm/objects/2026-09/contacts/nobody@example.com", params={"idProperty": "email"}).json()
    assert (found["id"], found["properties"]["firstname"]) == (results[1]["id"], "Upserted")


def test_a_batch_is_archived(own_api: httpx.Client) -> None:
    """204, whether or not all of them exist."""
    deals = list(truth(own_api))[:5]
    answer = batch(own_api, "archive", [{"id": deal} for deal in (*deals, "1")])
    assert (answer.status_code, answer.content) == (204, b"")
    assert {deal for deal, known in truth(own_api).items() if known["archived"]} == set(deals)


@pytest.mark.parametrize("what", ["create", "update", "upsert", "archive"])
def test_more_than_a_hundred_are_refused(api: httpx.Client, what: str) -> None:
    """400, as is a batch without inputs."""
    inputs = [{"id": str(n), "idProperty": "x", "properties": {}} for n in range(101)]
    assert batch(api, what, inputs).status_code == 400
    assert api.post(f"{DEALS}/batch/{what}", json={}).status_code == 400


@pytest.mark.parametrize("properties", [7, None, [], "text"])
@pytest.mark.parametrize("what", ["create", "update", "upsert"])
def test_a_malformed_batch_is_a_400(api: httpx.Client, what: str, properties: Any) -> None:
    """Never a 500."""
    given = {"id": "x@example.com", "idProperty": "email", "properties": properties}
    assert batch(api, what, [given], "/crm/objects/2026-09/contacts").status_code == 400
