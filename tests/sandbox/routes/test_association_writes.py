"""Writing associations."""

from typing import Any

import httpx
import pytest

DEALS, COMPANIES = "/crm/objects/2026-09/deals", "/crm/objects/2026-09/companies"
BATCH = "/crm/associations/2026-09/deals/companies/batch"


def first(api: httpx.Client, path: str, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = api.get(path, params={"limit": place + 1}).json()["results"][place]
    return found


def companies(api: httpx.Client, deal: str) -> dict[str, list[int]]:
    """The ids of association types by company."""
    results = api.get(f"{DEALS}/{deal}/associations/companies").json()["results"]
    return {str(one["toObjectId"]): [known["typeId"] for known in one["associationTypes"]] for one in results}


@pytest.fixture
def pair(own_api: httpx.Client) -> dict[str, Any]:
    """A deal and a company that are not associated."""
    deal = first(own_api, DEALS)["id"]
    listed = own_api.get(COMPANIES, params={"limit": 100}).json()["results"]
    company = next(one["id"] for one in listed if one["id"] not in companies(own_api, deal))
    return {"from": {"id": deal}, "to": {"id": company}}


def test_a_company_is_associated_without_a_label(own_api: httpx.Client, pair: dict[str, Any]) -> None:
    """For one record, or for many at once; the deal's modification time does not change."""
    deal, company = pair["from"]["id"], pair["to"]["id"]
    before = own_api.get(f"{DEALS}/{deal}").json()["updatedAt"]
    answer = own_api.put(f"{DEALS}/{deal}/associations/default/companies/{company}")
    assert (answer.status_code, answer.json()["status"]) == (200, "COMPLETE")
    assert companies(own_api, deal)[company] == [341]
    assert own_api.post(f"{BATCH}/associate/default", json={"inputs": [pair]}).status_code == 200
    assert companies(own_api, deal)[company] == [341]
    assert own_api.get(f"{DEALS}/{deal}").json()["updatedAt"] == before


def test_a_new_primary_company_replaces_the_former_one_in_a_batch(own_api: httpx.Client, pair: dict[str, Any]) -> None:
    """A deal has only one."""
    deal, company = pair["from"]["id"], pair["to"]["id"]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    answer = own_api.post(f"{BATCH}/create", json={"inputs": [{**pair, "types": types}]})
    assert answer.status_code == 201
    after = companies(own_api, deal)
    assert [one for one, type_ids in after.items() if 5 in type_ids] == [company]


def test_an_association_is_removed_in_both_directions(own_api: httpx.Client, pair: dict[str, Any]) -> None:
    """204, also the second time."""
    deal, company = pair["from"]["id"], pair["to"]["id"]
    own_api.put(f"{DEALS}/{deal}/associations/default/companies/{company}").raise_for_status()
    gone = {"inputs": [{"from": pair["from"], "to": [pair["to"]]}]}
    assert [own_api.post(f"{BATCH}/archive", json=gone).status_code for _ in range(2)] == [204, 204]
    assert company not in companies(own_api, deal)
    back = own_api.get(f"{COMPANIES}/{company}/associations/deals").json()["results"]
    assert int(deal) not in {one["toObjectId"] for one in back}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"to": {"id": "1"}}, 404),
        ({"to": {}}, 400),
        ({"from": 7}, 400),
        ({"types": [{"associationTypeId": 3}]}, 400),
        ({"types": []}, 400),
    ],
)
def test_an_invalid_association_is_refused(
    own_api: httpx.Client, pair: dict[str, Any], given: dict[str, Any], status: int
) -> None:
    """Nothing of the batch is written."""
    before = companies(own_api, pair["from"]["id"])
    right = {**pair, "types": [{"associationTypeId": 341}]}
    assert own_api.post(f"{BATCH}/create", json={"inputs": [right, {**right, **given}]}).status_code == status
    assert companies(own_api, pair["from"]["id"]) == before
    assert (
        own_api.post(
            "/crm/associations/2026-09/tasks/notes/batch/associate/default", json={"inputs": [pair]}
        ).status_code
        == 400
    )
