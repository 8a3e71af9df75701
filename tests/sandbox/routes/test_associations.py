"""Reading associations, of one record and of many."""

from typing import Any

import httpx
import pytest

from sandbox.account.object_types import DEALS
from sandbox.testing import Running

BATCH = "/crm/associations/2026-09/deals/contacts/batch/read"


def deals_by_contacts(sandbox: Running) -> tuple[list[int], list[int]]:
    """Ids of deals with contacts, and ids of deals without."""
    ids = list(sandbox.account.table(DEALS).live_ids)
    with_contacts = [deal for deal in ids if sandbox.account.associations.of("deals", deal, "contacts")]
    return with_contacts, [deal for deal in ids if deal not in with_contacts]


@pytest.mark.parametrize("prefix", ["/crm/objects/2026-09/deals", "/crm/v4/objects/deals", "/crm/v4/objects/0-3"])
def test_the_associations_of_a_deal_have_type_and_label(api: httpx.Client, sandbox: Running, prefix: str) -> None:
    """Type 5 is the primary company, 341 the unlabelled association; the ids of the other records are integers."""
    deal = next(iter(sandbox.account.table(DEALS).live_ids))
    company = sandbox.account.associations.primary("deals", deal, "companies")
    answer = api.get(f"{prefix}/{deal}/associations/companies").json()
    assert answer == {
        "results": [
            {
                "toObjectId": company,
                "associationTypes": [
                    {"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"},
                    {"category": "HUBSPOT_DEFINED", "typeId": 341, "label": None},
                ],
            }
        ]
    }


def test_associations_are_paged(api: httpx.Client, sandbox: Running) -> None:
    """One a page, followed by `after`, gives all of them."""
    deal = max(
        sandbox.account.table(DEALS).live_ids,
        key=lambda one: len(sandbox.account.associations.of("deals", one, "contacts")),
    )
    path, seen, after = f"/crm/objects/2026-09/deals/{deal}/associations/contacts", [], None
    while True:
        answer = api.get(path, params={"limit": 1, **({"after": after} if after else {})}).json()
        seen += [entry["toObjectId"] for entry in answer["results"]]
        if "paging" not in answer:
            break
        after = answer["paging"]["next"]["after"]
    assert seen == sorted(sandbox.account.associations.of("deals", deal, "contacts"))
    assert len(seen) > 1


def test_a_deal_without_associations_has_an_empty_list(api: httpx.Client, sandbox: Running) -> None:
    """For one record, this is not an error."""
    lonely = deals_by_contacts(sandbox)[1][0]
    assert api.get(f"/crm/objects/2026-09/deals/{lonely}/associations/contacts").json() == {"results": []}


def test_a_batch_of_deals_that_all_have_contacts_is_a_200(api: httpx.Client, sandbox: Running) -> None:
    """The response has no key for errors."""
    deals = deals_by_contacts(sandbox)[0][:20]
    answer = api.post(BATCH, json={"inputs": [{"id": str(deal)} for deal in deals]})
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "results", "startedAt", "completedAt"}
    shown = {entry["from"]["id"]: {to["toObjectId"] for to in entry["to"]} for entry in answer.json()["results"]}
    assert shown == {str(deal): set(sandbox.account.associations.of("deals", deal, "contacts")) for deal in deals}


def test_a_batch_with_a_deal_without_contacts_is_a_207(api: httpx.Client, sandbox: Running) -> None:
    """HubSpot's recorded body: results for the others, an error entry for this one."""
    present, lonely = (ids[0] for ids in deals_by_contacts(sandbox))
    answer = api.post(BATCH, json={"inputs": [{"id": str(lonely)}, {"id": str(present)}]})
    assert answer.status_code == 207
    body = answer.json()
    assert [entry["from"]["id"] for entry in body["results"]] == [str(present)]
    assert body["numErrors"] == 1
    assert body["errors"] == [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "message": f"No contact is associated with deal {lonely}.",
            "context": {"fromObjectId": [str(lonely)], "fromObjectType": ["deal"], "toObjectType": ["contact"]},
        }
    ]


def test_an_association_is_read_from_both_ends(api: httpx.Client, sandbox: Running) -> None:
    """A contact of a deal has that deal."""
    deal = deals_by_contacts(sandbox)[0][0]
    contact = next(iter(sandbox.account.associations.of("deals", deal, "contacts")))
    answer: dict[str, Any] = api.get(f"/crm/v4/objects/contacts/{contact}/associations/deals").json()
    assert deal in {entry["toObjectId"] for entry in answer["results"]}
    assert {known["typeId"] for entry in answer["results"] for known in entry["associationTypes"]} == {4}
