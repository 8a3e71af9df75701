"""Deduplicate finds deals of the same company or contact that may be the same deal."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Database
from tests.crm.account import Account
from tests.factories import queued_deal, rows
from tests.pipeline.stages.processing import Processing, message

COMPANY, NAME = "Engines Ltd", "Engines Ltd - loom rollout"


async def candidates(processing: Processing, hubspot_deal_id: str) -> list[str]:
    output = (await processing.through(hubspot_deal_id, "deduplicate"))["deduplicate"]
    return [candidate["hubspot_deal_id"] for candidate in output["candidates"]]


@pytest.fixture
def company(account: Account) -> str:
    return account.company(COMPANY)


async def other_deal(processing: Processing, companies: list[str], **changes: Any) -> str:
    """Store a deal, with its companies, as if it had been fetched before; return its HubSpot id."""
    given = {"name": NAME, "amount": Decimal(1000), "hubspot_created_at": datetime.now(UTC), **changes}
    deal_id = await queued_deal(processing.database, **given)
    found = await rows(
        processing.database,
        "UPDATE deals SET company_ids = :companies WHERE id = :id RETURNING hubspot_deal_id",
        id=deal_id,
        companies=companies,
    )
    return str(found[0]["hubspot_deal_id"])


def deal(account: Account, company: str, **properties: str) -> str:
    return account.deal(
        {"dealname": NAME, "amount": "1000", "deal_currency_code": "EUR", **properties}, companies=[company]
    )


async def test_the_second_of_two_finds_the_first(processing: Processing, account: Account, company: str) -> None:
    """A deal entered twice, in two pipelines; the finding names the first one and how similar it is."""
    contact = account.contact()
    first = account.deal({"dealname": NAME, "amount": "1000"}, contacts=[contact], companies=[company])
    await processing.through(first, "deduplicate")
    again = {"dealname": f"{NAME.upper()} (copy)", "amount": "1020", "pipeline": "748115230", "dealstage": "1093382011"}
    second = account.deal(again, contacts=[contact])
    output = (await processing.through(second, "deduplicate"))["deduplicate"]
    assert output["compared"] == 1
    assert [candidate["hubspot_deal_id"] for candidate in output["candidates"]] == [first]
    assert not output["candidates"][0]["same_company"]
    assert f"{first} ({output['candidates'][0]['score']} of 100)" in message(output, "duplicate_suspected")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": f"{COMPANY} - annual licence"},
        {"name": None},
        {"amount": Decimal(1051 * 2)},
        {"hubspot_created_at": datetime.now(UTC) - timedelta(days=62)},
        {"hubspot_stage": "closedwon"},
        {"hubspot_stage": "no such stage"},
        {"archived_at": datetime.now(UTC)},
    ],
    ids=", ".join,
)
async def test_different_deals_are_no_candidates(
    processing: Processing, account: Account, company: str, changes: dict[str, Any]
) -> None:
    """With another matter or amount, created long ago, closed or archived; a real duplicate beside each is found."""
    twin = await other_deal(processing, [company])
    await other_deal(processing, [company], **changes)
    assert await candidates(processing, deal(account, company)) == [twin]


async def test_deals_of_other_companies_are_not_compared(
    processing: Processing, account: Account, company: str
) -> None:
    """A deal with the same name at another company is another deal."""
    await other_deal(processing, ["1"])
    output = (await processing.through(deal(account, company), "deduplicate"))["deduplicate"]
    assert (output["compared"], output["candidates"]) == (0, [])


async def test_the_most_similar_deal_comes_first(processing: Processing, account: Account, company: str) -> None:
    near = await other_deal(processing, [company], amount=Decimal(1045), name=f"{NAME} 2")
    same = await other_deal(processing, [company])
    assert await candidates(processing, deal(account, company)) == [same, near]


@pytest.mark.parametrize(
    ("properties", "words"),
    [({"dealstage": "closedwon"}, "closed"), ({"dealname": "  "}, "name")],
)
async def test_a_deal_that_cannot_be_compared_is_reported(
    processing: Processing, account: Account, company: str, properties: dict[str, str], words: str
) -> None:
    """A search that found nothing and no search at all are reported differently."""
    output = (await processing.through(deal(account, company, **properties), "deduplicate"))["deduplicate"]
    assert words in message(output, "duplicates_not_searched")


async def test_a_deal_without_company_and_contact_cannot_be_compared(processing: Processing, account: Account) -> None:
    output = (await processing.through(account.deal(), "deduplicate"))["deduplicate"]
    assert "no deals to compare" in message(output, "duplicates_not_searched")


async def test_the_search_is_served_by_the_indexes(database: Database) -> None:
    """With many deals, only those of the company and of the contacts are read."""
    await database.run(
        text("""INSERT INTO deals (hubspot_deal_id, company_ids, contact_ids, properties, properties_read_at,
                                   content_hash, hubspot_modified_at, status)
                SELECT n::text, ARRAY[(n % 3000)::text], ARRAY[(n % 2000)::text], '{}', now(), '', now(), 'DONE'
                FROM generate_series(1, 6000) AS n""")
    )
    await database.run(text("ANALYZE deals"))
    plan = await rows(
        database,
        "EXPLAIN SELECT 1 FROM deals WHERE (company_ids && ARRAY['7'] OR contact_ids && ARRAY['9']) AND id <> 1",
    )
    described = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "ix_deals_company_ids" in described
    assert "ix_deals_contact_ids" in described
