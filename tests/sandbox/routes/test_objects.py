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
