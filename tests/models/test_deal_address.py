"""What names a deal is read by one rule, and one statement finds it."""

import pytest

from core.database import Database
from models.deal_address import FIND_DEALS, AmbiguousDealAddress, DealAddress, InvalidDealAddress
from tests.factories import deal_row, queued_deal, rows, store


async def find(database: Database, given: str) -> int | None:
    address = DealAddress.parse(given)
    found = address.only(await database.run(FIND_DEALS, address.parameters()))
    return None if found is None else int(found.id)


@pytest.mark.parametrize(
    ("given", "own_id", "hubspot_deal_id"),
    [
        ("71234567890", 71234567890, "71234567890"),
        ("  71234567890 ", 71234567890, "71234567890"),
        ("9" * 18, int("9" * 18), "9" * 18),
        ("deal:7", 7, None),
        ("hubspot:7", None, "7"),
        ("https://app.hubspot.com/contacts/123/record/0-3/456", None, "456"),
        ("https://app-eu1.hubspot.com/contacts/123/record/0-3/456/view/1?eschref=%2Fcontacts", None, "456"),
        ("https://app.hubspot.com/contacts/123/deal/456/", None, "456"),
        ("app.hubspot.com/contacts/123/deal/456", None, "456"),
        ("app.hubspot.com/contacts/123/deal/456?from=https://example.com", None, "456"),
        ("HTTPS://App.HubSpot.com/Contacts/123/Deal/456", None, "456"),
        ("https://hubspot.com/contacts/123/deal/456#notes", None, "456"),
    ],
)
def test_each_form_names_its_ids(given: str, own_id: int | None, hubspot_deal_id: str | None) -> None:
    """A number has both meanings, a page in HubSpot has HubSpot's id, a prefix says which one it is."""
    assert DealAddress.parse(given) == DealAddress(own_id, hubspot_deal_id)


@pytest.mark.parametrize(
    "given", ["", "0", "-1", "007", "\u0667", "a deal", "deal:", "deal:x", "#7", "9" * 19, "ftp://app.hubspot.com/deal/2",
              "https://example.com/contacts/1/deal/2", "https://evilhubspot.com.example/deal/2",
              "https://evilhubspot.com/contacts/1/deal/2", "https://hubspot.com.example/deal/2",
              "https://app.hubspot.com/contacts/1/contact/2", "http://[app.hubspot.com/deal/2",
              "https://app.hubspot.com/contacts/1?from=/deal/7123"],
)  # fmt: skip
def test_what_names_no_deal_is_refused(given: str) -> None:
    with pytest.raises(InvalidDealAddress, match="names no deal"):
        DealAddress.parse(given)


def test_a_long_text_is_shown_in_part() -> None:
    with pytest.raises(InvalidDealAddress, match=f'^"{"x" * 60}\\.\\.\\." names no deal'):
        DealAddress.parse("x" * 1_000)


async def test_a_deal_is_found_by_either_id(database: Database) -> None:
    """Also when both ids are the same number: that is one deal."""
    deal_id = await queued_deal(database, hubspot_deal_id="71234567890")
    for given in (str(deal_id), f"deal:{deal_id}", "71234567890", "hubspot:71234567890"):
        assert await find(database, given) == deal_id
    for given in ("999", "deal:71234567890", f"hubspot:{deal_id}"):
        assert await find(database, given) is None
    await rows(database, "UPDATE deals SET hubspot_deal_id = CAST(id AS text) RETURNING id")
    assert await find(database, str(deal_id)) == deal_id


async def test_a_number_that_is_the_id_of_two_deals_is_never_guessed(database: Database) -> None:
    """The error names both, and how to write each."""
    ours = await queued_deal(database, hubspot_deal_id="71234567890")
    await store(database, deal_row(str(ours)))
    with pytest.raises(AmbiguousDealAddress) as error:
        await find(database, str(ours))
    other = await find(database, f"hubspot:{ours}")
    assert str(error.value) == (
        f"{ours} is the id of one deal here (71234567890 in HubSpot) and of another in HubSpot, which is {other} here. "
        f"Write deal:{ours} for the first, hubspot:{ours} for the second."
    )
    assert await find(database, f"deal:{ours}") == ours
    assert await find(database, f"https://app.hubspot.com/contacts/1/deal/{ours}") == other != ours
