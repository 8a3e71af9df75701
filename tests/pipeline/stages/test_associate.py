"""Associate verifies whose deal it is, and suggests a company from what its contacts say."""

import pytest

from pipeline.stages.email_domain import domain_of
from tests.crm.account import Account
from tests.pipeline.stages.processing import Processing, message, rules


async def test_the_primary_company_comes_first(processing: Processing, account: Account) -> None:
    """HubSpot keeps one primary company; the last that is made so."""
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
    """With its name and the reason; it is not associated."""
    company = account.company("Loom & Sons")
    contact = account.contact("ada@gmail.com", company=company)
    output = (await processing.through(account.deal(contacts=[contact]), "associate"))["associate"]
    assert output["company_ids"] == []
    assert [(found["company_id"], found["name"]) for found in output["suggestions"]] == [(company, "Loom & Sons")]
    assert contact in output["suggestions"][0]["because"]
    assert rules(output) == ["company_missing"]
    assert f"Loom & Sons ({company})" in message(output, "company_missing")


async def test_failing_that_the_domain_of_an_address_tells(processing: Processing, account: Account) -> None:
    """Several companies may have it: all of them are named, none is chosen."""
    twins = [account.company(name, "twins.example") for name in ("Castor", "Pollux")]
    output = (await processing.through(account.deal(contacts=[account.contact("ada@Twins.example")]), "associate"))[
        "associate"
    ]
    assert [found["company_id"] for found in output["suggestions"]] == twins
    assert "twins.example" in output["suggestions"][0]["because"]


async def test_a_free_mail_address_says_nothing(processing: Processing, account: Account) -> None:
    """Not even when somebody has made a company of it."""
    account.company("Google Mail", "gmail.com")
    output = (await processing.through(account.deal(contacts=[account.contact("ada@gmail.com")]), "associate"))[
        "associate"
    ]
    assert output["suggestions"] == []
    assert "point to none" in message(output, "company_missing")


async def test_a_lonely_deal_is_told(processing: Processing, account: Account) -> None:
    output = (await processing.through(account.deal(), "associate"))["associate"]
    assert rules(output) == ["contact_missing", "company_missing"]


async def test_a_company_that_is_gone_does_not_count(processing: Processing, account: Account) -> None:
    """The deal has none then, and what HubSpot still names is told."""
    company = account.company()
    deal_id = account.deal(contacts=[account.contact("ada@gmail.com")], companies=[company])
    account.archive("companies", company)
    output = (await processing.through(deal_id, "associate"))["associate"]
    assert output["company_ids"] == []
    assert rules(output) == ["company_missing", "associated_record_missing"]
    assert company in message(output, "associated_record_missing")


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ada@engines.example", "engines.example"),
        (" Ada@ENGINES.example ", "engines.example"),
        ('"a@b"@engines.example', "engines.example"),
        ("ada@GMX.de", "gmx.de"),
        ("ada", None),
        ("@engines.example", None),
        ("ada@localhost", None),
        ("ada@.", None),
        ("ada@two words.example", None),
        ("", None),
        (None, None),
    ],
)
def test_the_domain_is_that_of_an_address(email: str | None, domain: str | None) -> None:
    assert domain_of(email) == domain
