"""The deal that an operation is about is found by its address, and never guessed."""

import re

import pytest

from core.database import Database
from pipeline.operations.errors import AmbiguousDeal, NotFound
from pipeline.operations.find import find_deal
from tests.factories import deal_row, queued_deal, rows, store

PAGES = ("https://app.hubspot.com/contacts/1/record/0-3/{}", "https://app-eu1.hubspot.com/contacts/1/deal/{}/?a=b")


async def test_a_number_that_means_two_deals_is_refused(database: Database) -> None:
    """A wrong deal must not be cancelled; the address of the page is clear."""
    ours = await queued_deal(database)
    await store(database, deal_row(str(ours)))
    other = (await rows(database, "SELECT id FROM deals WHERE hubspot_deal_id = :id", id=str(ours)))[0]["id"]
    with pytest.raises(AmbiguousDeal, match=f"in HubSpot, which is {other} here"):
        await find_deal(database, str(ours))
    assert await find_deal(database, PAGES[0].format(ours)) == other
    assert await find_deal(database, f"hubspot:{ours}") == other
    assert await find_deal(database, f"deal:{ours}") == ours


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("7123", "No deal has the id 7123, here or in HubSpot. The sync may not have seen it yet."),
        ("hubspot:7123", "No deal has the id 7123 in HubSpot. The sync may not have seen it yet."),
        ("deal:7123", "There is no deal 7123."),
    ],
)
async def test_a_deal_that_is_not_here_is_not_found(database: Database, address: str, sentence: str) -> None:
    """With where it was looked for."""
    with pytest.raises(NotFound) as refused:
        await find_deal(database, address)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "address",
    [
        "https://crm.example/contacts/1/deal/7123",
        "https://evilhubspot.com/contacts/1/deal/7123",
        "https://app.hubspot.com/contacts/1/contact/7123",
        "https://app.hubspot.com/contacts/1?from=/deal/7123",
    ],
)
async def test_an_address_of_something_else_is_no_deal(database: Database, address: str) -> None:
    """Although it contains the number of a deal."""
    await store(database, deal_row("7123"))
    with pytest.raises(NotFound, match=re.escape(address)):
        await find_deal(database, address)
