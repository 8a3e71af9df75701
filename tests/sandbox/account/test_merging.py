"""Merging two deals."""

import httpx
import pytest

from sandbox.testing import Running
from tests.sandbox.deals import DEALS, found, listed, merge, mutate, truth


@pytest.mark.parametrize("path", [DEALS, "/crm/v3/objects/deals"])
def test_a_merge_creates_a_new_deal(own_api: httpx.Client, path: str) -> None:
    """Both deals vanish from every list, and a read by either id returns the new one."""
    first, second, merged = merge(own_api, path)
    assert merged["id"] not in (first, second)
    for former in (first, second):
        answer = own_api.get(f"{DEALS}/{former}", params={"properties": "hs_merged_object_ids"}).json()
        assert answer["id"] == merged["id"]
        assert answer["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    for seen in (listed(own_api), found(own_api)):
        assert seen & {first, second, merged["id"]} == {merged["id"]}
    assert listed(own_api, archived=True) == set()
    batch = own_api.post(f"{DEALS}/batch/read", json={"inputs": [{"id": first}, {"id": merged["id"]}]})
    assert batch.status_code == 207
    assert [deal["id"] for deal in batch.json()["results"]] == [merged["id"]]
    assert truth(own_api)[first]["mergedInto"] == merged["id"]


def test_a_merged_deal_is_written_by_its_former_id_but_not_in_a_batch(own_api: httpx.Client) -> None:
    """The route of one record accepts it (HubSpot's guide "Object APIs")."""
    first, _, merged = merge(own_api)
    answer = own_api.patch(f"{DEALS}/{first}", json={"properties": {"amount": "77"}})
    assert (answer.json()["id"], answer.json()["properties"]["amount"]) == (merged["id"], "77")
    batch = own_api.post(f"{DEALS}/batch/update", json={"inputs": [{"id": first, "properties": {"amount": "78"}}]})
    assert (batch.status_code, batch.json()["results"]) == (207, [])
    assert truth(own_api)[merged["id"]]["amount"] == "77"


def test_the_merged_deal_has_the_associations_of_both(own_api: httpx.Client, own_sandbox: Running) -> None:
    """The former ids have an empty list, not a 404."""
    associations = own_sandbox.account.associations
    first, second = (int(deal) for deal in sorted(listed(own_api))[:2])
    before = {
        target: {*associations.of("deals", first, target), *associations.of("deals", second, target)}
        for target in ("contacts",)
    }
    company = associations.primary("deals", first, "companies")
    _, _, merged = merge(own_api)
    after = int(merged["id"])
    assert {target: set(associations.of("deals", after, target)) for target in before} == before
    assert associations.primary("deals", after, "companies") == company
    answer = own_api.get(f"{DEALS}/{first}/associations/contacts")
    assert (answer.status_code, answer.json()) == (200, {"results": []})
    for contact in before["contacts"]:
        assert {first, second}.isdisjoint(associations.of("contacts", contact, "deals"))


def test_a_merge_of_a_merge_keeps_every_former_id(own_api: httpx.Client) -> None:
    """All of them lead to the last merged deal."""
    first, second, merged = merge(own_api)
    third = min(listed(own_api) - {merged["id"]})
    (again,) = mutate(own_api, merge=[[merged["id"], third]])["merged"]
    assert again["from"] == [merged["id"], third]
    answer = own_api.get(f"{DEALS}/{first}", params={"properties": "hs_merged_object_ids"}).json()
    assert answer["id"] == again["into"]
    assert answer["properties"]["hs_merged_object_ids"] == ";".join([first, second, merged["id"], third])


def test_the_primary_deal_can_keep_its_id(own_api: httpx.Client) -> None:
    """HubSpot's beta; only the other deal vanishes."""
    own_api.post("/_sim/config", json={"primary_id_preserved": True})
    first, second, merged = merge(own_api)
    assert merged["id"] == first
    answer = own_api.get(f"{DEALS}/{second}", params={"properties": "hs_merged_object_ids"}).json()
    assert (answer["id"], answer["properties"]["hs_merged_object_ids"]) == (first, second)
    assert len(listed(own_api)) == 29


@pytest.mark.parametrize("pair", [("1", "2"), ("same", "same"), (None, "1")])
def test_an_invalid_merge_changes_nothing(own_api: httpx.Client, pair: tuple[str | None, str]) -> None:
    """404 for unknown ids, 400 for one deal twice or no deal."""
    deal = min(listed(own_api))
    ids = [deal if one == "same" else one for one in pair]
    before = truth(own_api)
    answer = own_api.post(f"{DEALS}/merge", json={"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    assert answer.status_code == (404 if pair == ("1", "2") else 400)
    assert truth(own_api) == before


@pytest.mark.parametrize("keeps_id", [False, True], ids=["into a new deal", "into the first"])
def test_a_merged_deal_can_stand_in_the_recycle_bin(own_api: httpx.Client, keeps_id: bool) -> None:
    """Lists and batches show it there; a read by its id still returns the deal that it was merged into."""
    own_api.post("/_sim/config", json={"merged_in_recycle_bin": True, "primary_id_preserved": keeps_id})
    first, second, merged = merge(own_api)
    gone = {first, second} - {merged["id"]}
    assert listed(own_api, archived=True) == gone
    batch = own_api.post(f"{DEALS}/batch/read", params={"archived": "true"}, json={"inputs": [{"id": second}]}).json()
    assert [(deal["id"], deal["archived"]) for deal in batch["results"]] == [(second, True)]
    assert own_api.get(f"{DEALS}/{second}").json()["id"] == merged["id"]
    assert mutate(own_api, restore=2)["restored"] == []
    assert own_api.post("/_sim/mutate", json={"restore": [second]}).status_code == 400
    mutate(own_api, purge=[second])
    assert listed(own_api, archived=True) == gone - {second}
    assert own_api.get(f"{DEALS}/{second}").json()["id"] == merged["id"]
