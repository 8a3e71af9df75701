"""What users and administrators do to deals: restore, merge, purge, touch, and bulk updates."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.deals import DEALS, found, listed, mutate, truth


def contents(deal: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in deal.items() if name != "lastModified"}


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


def test_an_edit_can_be_backdated(own_api: httpx.Client) -> None:
    """Its modification time is a second before the last one."""
    deal = min(listed(own_api))
    before = truth(own_api)[deal]
    assert mutate(own_api, backdate=[deal])["backdated"] == [deal]
    after = truth(own_api)[deal]
    times = [datetime.fromisoformat(state["lastModified"]) for state in (before, after)]
    assert times[0] - times[1] == timedelta(seconds=1)
    assert own_api.get(f"{DEALS}/{deal}").json()["properties"]["hs_lastmodifieddate"] == after["lastModified"]


def test_an_archived_deal_can_be_purged_by_its_id(own_api: httpx.Client) -> None:
    """As after 90 days in the recycle bin."""
    gone = mutate(own_api, archive=1)["archived"]
    assert mutate(own_api, purge=gone)["purged"] == gone
    assert listed(own_api, archived=True) == set()


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


def test_any_value_can_be_set(own_api: httpx.Client) -> None:
    """Also one that a write through the API could not set; it moves the modification time as every edit does."""
    deal, before = next(iter(truth(own_api).items()))
    assert mutate(own_api, set={deal: {"amount": "1,800.00", "dealstage": "gone"}})["set"] == [deal]
    after = truth(own_api)[deal]
    assert (after["amount"], after["dealstage"]) == ("1,800.00", "gone")
    assert after["lastModified"] > before["lastModified"]


@pytest.mark.parametrize("given", [[], {"1": {"amount": "1"}}, {"1": "amount"}, {"1": {"amount": 1}}])
def test_what_is_set_must_be_texts_of_deals(own_api: httpx.Client, given: object) -> None:
    assert own_api.post("/_sim/mutate", json={"set": given}).status_code == 400
