"""A deal is read with what is associated with it, and the associations of many records at once."""

import pytest

from crm import paths
from crm.client import Association, HubSpot
from crm.errors import RecordNotFound
from tests.crm.account import PLAIN_COMPANY, Account

ASSOCIATIONS = ("contacts", "companies", "line_items")


async def test_a_deal_is_read_with_its_associations_without_duplicates(client: HubSpot, account: Account) -> None:
    """HubSpot lists a primary company twice."""
    company, contact, item = account.company(), account.contact(), account.line_item("100")
    deal_id = account.deal({"amount": "100"}, contacts=[contact], companies=[company], line_items=[item])
    deal = await client.get_deal(deal_id, associations=ASSOCIATIONS)
    assert deal.record.id == deal_id
    assert deal.record.properties["amount"] == "100"
    assert {name: found.ids for name, found in deal.associated.items()} == {
        "contacts": (contact,), "companies": (company,), "line_items": (item,)
    }  # fmt: skip
    assert all(found.complete for found in deal.associated.values())


async def test_a_deal_without_associations_has_empty_lists(client: HubSpot, account: Account) -> None:
    deal = await client.get_deal(account.deal(), associations=ASSOCIATIONS)
    assert {name: found.ids for name, found in deal.associated.items()} == dict.fromkeys(ASSOCIATIONS, ())


async def test_more_than_a_hundred_associations_are_marked_incomplete(client: HubSpot, account: Account) -> None:
    contacts = [account.contact(f"guest{number}@engines.example") for number in range(101)]
    deal = await client.get_deal(account.deal(contacts=contacts), associations=("contacts",))
    assert len(deal.associated["contacts"].ids) == 100
    assert not deal.associated["contacts"].complete


async def test_an_archived_deal_is_found_in_the_recycle_bin_only(client: HubSpot, account: Account) -> None:
    deal_id = account.deal()
    account.archive("deals", deal_id)
    with pytest.raises(RecordNotFound):
        await client.get_deal(deal_id)
    assert (await client.get_deal(deal_id, archived=True)).record.archived


async def test_associations_include_the_type_of_the_primary_company(client: HubSpot, account: Account) -> None:
    """Type 5 besides 341; a deal without any has an empty list, although HubSpot reports it as an error."""
    company = account.company()
    linked, alone = account.deal(companies=[company]), account.deal()
    found = await client.associations(paths.DEALS, [linked, alone], paths.COMPANIES)
    assert found == {linked: [Association(company, frozenset({5, PLAIN_COMPANY}))], alone: []}
