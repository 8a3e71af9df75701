"""Associate reads the deal's companies and contacts, and suggests a company by its contacts where there is none."""

import pytest

from tests.crm.account import Account
from tests.hubspot import Sandbox
from tests.pipeline.stages.processing import Processing, message, rules


async def test_the_primary_company_comes_first(processing: Processing, account: Account) -> None:
    """HubSpot keeps one primary company: the one that was set last."""
    first, second = account.company("First"), account.company("Second", "second.example")
    contact = account.contact()
    output = (await processing.through(account.deal(contacts=[contact], companies=[first, second]), "associate"))[
        "associate"
    ]
    assert output == {
        "company_ids": [second, first],
        "primary_company_id": second,
        "contact_ids": [contact],
        "suggestions": [],
        "findings": [],
    }


async def test_the_company_of_a_contact_is_suggested(processing: Processing, account: Account) -> None:
    """With its name and the reason; the stage does not associate it."""
    company = account.company("Loom & Sons")
    contact = account.contact("ada@gmail.com", company=company)
    output = (await processing.through(account.deal(contacts=[contact]), "associate"))["associate"]
    assert output["company_ids"] == []
    assert [(found["company_id"], found["name"]) for found in output["suggestions"]] == [(company, "Loom & Sons")]
    assert contact in output["suggestions"][0]["because"]
    assert rules(output) == ["company_missing"]
    assert f"Loom & Sons ({company})" in message(output, "company_missing")


@pytest.mark.parametrize("reads", [1, 2])
async def test_a_company_that_hubspot_returns_under_another_id_is_suggested_under_that_one(
    processing: Processing, account: Account, hubspot: Sandbox, reads: int
) -> None:
    """It was merged into that one; a company that another contact belongs to as well is suggested once."""
    merged, company = account.company("Loom & Sons"), account.company("Loom Group")
    contacts = [account.contact(f"{at}@gmail.com", company=at) for at in (merged, company)[:reads]]
    companies = "/0-2/batch/read"
    hubspot.fault("odd_value", "POST", companies, record=merged, field="id", value=f'"{company}"')
    try:
        output = (await processing.through(account.deal(contacts=contacts), "associate"))["associate"]
    finally:
        hubspot.heal()
    assert [found["company_id"] for found in output["suggestions"]] == [company]
    assert rules(output) == ["company_missing"]


async def test_without_one_companies_with_the_domain_of_an_address_are_suggested(
    processing: Processing, account: Account
) -> None:
    """All companies with that domain are suggested."""
    twins = [account.company(name, "twins.example") for name in ("Castor", "Pollux")]
    output = (await processing.through(account.deal(contacts=[account.contact("ada@Twins.example")]), "associate"))[
        "associate"
    ]
    assert [found["company_id"] for found in output["suggestions"]] == twins
    assert "twins.example" in output["suggestions"][0]["because"]


async def test_a_free_mail_address_suggests_no_company(processing: Processing, account: Account) -> None:
    """Not even when the account has a company with that domain."""
    account.company("Google Mail", "gmail.com")
    output = (await processing.through(account.deal(contacts=[account.contact("ada@gmail.com")]), "associate"))[
        "associate"
    ]
    assert output["suggestions"] == []
    assert "point to none" in message(output, "company_missing")


async def test_a_deal_without_contact_and_company_is_reported(processing: Processing, account: Account) -> None:
    output = (await processing.through(account.deal(), "associate"))["associate"]
    assert rules(output) == ["contact_missing", "company_missing"]


async def test_an_archived_company_does_not_count(processing: Processing, account: Account) -> None:
    """The deal has no company then, and the id that HubSpot still lists is reported."""
    company = account.company()
    deal_id = account.deal(contacts=[account.contact("ada@gmail.com")], companies=[company])
    account.archive("companies", company)
    output = (await processing.through(deal_id, "associate"))["associate"]
    assert output["company_ids"] == []
    assert rules(output) == ["company_missing", "associated_record_missing"]
    assert company in message(output, "associated_record_missing")
