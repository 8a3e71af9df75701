"""What users and administrators do to deals: restore, merge, purge, touch, and bulk updates."""

from typing import Any

import httpx
import pytest

from sandbox.testing import Running

DEALS = "/crm/objects/2026-09/0-3"


def mutate(api: httpx.Client, **wanted: Any) -> dict[str, Any]:
    answer = api.post("/_sim/mutate", json=wanted)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def truth(api: httpx.Client) -> dict[str, Any]:
    known: dict[str, Any] = api.get("/_sim/truth").json()
    return known


def listed(api: httpx.Client, *, archived: bool = False) -> set[str]:
    params = {"limit": "100", "archived": str(archived).lower()}
    return {deal["id"] for deal in api.get(DEALS, params=params).json()["results"]}


def found(api: httpx.Client) -> set[str]:
    answer = api.post(f"{DEALS}/search", json={"limit": 200}).json()
    assert answer["total"] == len(answer["results"])
    return {deal["id"] for deal in answer["results"]}


def contents(deal: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in deal.items() if name != "lastModified"}


def merge(api: httpx.Client, path: str = DEALS) -> tuple[str, str, dict[str, Any]]:
    """The ids of two deals, and their merged deal."""
    first, second = sorted(listed(api))[:2]
    answer = api.post(f"{path}/merge", json={"primaryObjectId": first, "objectIdToMerge": second})
    assert answer.status_code == 200, answer.text
    return first, second, answer.json()


def test_a_touch_changes_only_the_modification_time(own_api: httpx.Client) -> None:
    """As an edit of a pipeline does to its deals."""
    before = truth(own_api)
    touched = mutate(own_api, touch=3)["touched"]
    after = truth(own_api)
    assert len(touched) == 3
    for deal in before:
        assert contents(after[deal]) == contents(before[deal])
        assert (after[deal]["lastModified"] > before[deal]["lastModified"]) == (deal in touched)


def test_a_bulk_update_gives_all_deals_one_timestamp(own_api: httpx.Client) -> None:
    """All live deals, but not archived ones."""
    gone = mutate(own_api, archive=2)["archived"]
    touched = mutate(own_api, touch=1, all=True, same_timestamp=True)["touched"]
    known = truth(own_api)
    assert set(touched) == known.keys() - set(gone)
    assert len({known[deal]["lastModified"] for deal in touched}) == 1


def test_all_applies_only_to_requested_changes(own_api: httpx.Client) -> None:
    """An edit of all deals touches none."""
    done = mutate(own_api, edit=1, all=True)
    assert (len(done["edited"]), done["touched"]) == (30, [])


def test_an_edited_pipeline_touches_its_deals(own_api: httpx.Client) -> None:
    """All of them and no other deals (Pipedream #4209)."""
    touched = mutate(own_api, pipeline_edit="748115230")["touched"]
    assert set(touched) == {deal for deal, known in truth(own_api).items() if known["pipeline"] == "748115230"}
    assert touched


def test_a_restored_deal_has_its_old_modification_time(own_api: httpx.Client) -> None:
    """Neither archiving nor restoring changes the modification time: no search by time finds the change."""
    before = truth(own_api)
    (gone,) = mutate(own_api, archive=1)["archived"]
    assert (gone in listed(own_api), gone in listed(own_api, archived=True), gone in found(own_api)) == (
        False, True, False,
    )  # fmt: skip
    assert truth(own_api)[gone]["archivedAt"] > before[gone]["lastModified"]
    assert mutate(own_api, restore=5)["restored"] == [gone]
    assert truth(own_api) == before
    assert gone in listed(own_api)
    assert gone in found(own_api)


def test_a_purged_deal_is_nowhere(own_api: httpx.Client) -> None:
    """404 by id, with `archived` or without; in no list, no search, no batch."""
    (gone,) = mutate(own_api, purge=1)["purged"]
    for archived in ("true", "false"):
        assert own_api.get(f"{DEALS}/{gone}", params={"archived": archived}).status_code == 404
        batch = own_api.post(f"{DEALS}/batch/read?archived={archived}", json={"inputs": [{"id": gone}]})
        assert (batch.status_code, batch.json()["results"]) == (207, [])
    assert gone not in listed(own_api) | listed(own_api, archived=True) | found(own_api)
    assert own_api.patch(f"{DEALS}/{gone}", json={"properties": {"amount": "1"}}).status_code == 404
    assert own_api.delete(f"{DEALS}/{gone}").status_code == 404
    assert truth(own_api)[gone]["purged"] is True


def test_an_archived_deal_can_be_purged_by_its_id(own_api: httpx.Client) -> None:
    """As after 90 days in the recycle bin."""
    gone = mutate(own_api, archive=1)["archived"]
    assert mutate(own_api, purge=gone)["purged"] == gone
    assert listed(own_api, archived=True) == set()


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


def test_deals_can_be_given_by_id(own_api: httpx.Client) -> None:
    """A list of ids instead of a number."""
    one, two, three, four = sorted(listed(own_api))[:4]
    done = mutate(own_api, edit=[one], touch=[two], archive=[three], purge=[four])
    assert [done[what] for what in ("edited", "touched", "archived", "purged")] == [[one], [two], [three], [four]]
    assert own_api.post("/_sim/mutate", json={"archive": [three]}).status_code == 400
    assert own_api.post("/_sim/mutate", json={"restore": [one]}).status_code == 400
    assert mutate(own_api, restore=[three])["restored"] == [three]


@pytest.mark.parametrize("body", [{"edits": 1}, {"pipeline_edit": "x"}, {"all": 1}, {"merge": [["1"]]}, {"edit": [7]}])
def test_an_invalid_mutation_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    """With a 400, and nothing is changed."""
    before = truth(api)
    assert api.post("/_sim/mutate", json={"create": 1, **body}).status_code == 400
    assert truth(api) == before


def test_the_same_state_has_the_same_mutations(own_sandbox: Running, own_api: httpx.Client) -> None:
    """From one snapshot the same deals are picked, with the same timestamps under a frozen clock."""
    own_sandbox.clock.freeze()
    snapshot = own_api.post("/_sim/snapshot", json={}).json()
    wanted = {"create": 2, "edit": 4, "archive": 2, "merge": 2, "purge": 1}
    first, seen = mutate(own_api, **wanted), truth(own_api)
    own_api.post("/_sim/restore", json=snapshot)
    assert mutate(own_api, **wanted) == first
    assert truth(own_api) == seen
