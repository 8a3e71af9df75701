"""Deduplicate finds the same deal under another id, among those of the same company or contact."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.rulebook import shipped_rulebook
from pipeline.stages.deduplicate.similarity import Comparable, name_likeness, score, words
from tests.crm.account import Account
from tests.factories import queued_deal, rows
from tests.pipeline.stages.processing import Processing, message

COMPANY, NAME = "Engines Ltd", "Engines Ltd - loom rollout"
CREATED = datetime(2026, 11, 1, tzinfo=UTC)


async def candidates(processing: Processing, hubspot_deal_id: str) -> list[str]:
    output = (await processing.through(hubspot_deal_id, "deduplicate"))["deduplicate"]
    return [candidate["hubspot_deal_id"] for candidate in output["candidates"]]


@pytest.fixture
def company(account: Account) -> str:
    return account.company(COMPANY)


async def other_deal(processing: Processing, companies: list[str], **changes: Any) -> str:
    """A deal that was fetched before: in the database, with its companies."""
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
    """Both in HubSpot, typed twice, in two pipelines; the finding names the other one and how alike it is."""
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
async def test_different_deals_are_left_alone(
    processing: Processing, account: Account, company: str, changes: dict[str, Any]
) -> None:
    """Another matter, another amount, long ago, closed, archived; the plain twin beside each is found."""
    twin = await other_deal(processing, [company])
    await other_deal(processing, [company], **changes)
    assert await candidates(processing, deal(account, company)) == [twin]


async def test_deals_of_others_are_not_even_looked_at(processing: Processing, account: Account, company: str) -> None:
    """The same name at another company is another deal."""
    await other_deal(processing, ["1"])
    output = (await processing.through(deal(account, company), "deduplicate"))["deduplicate"]
    assert (output["compared"], output["candidates"]) == (0, [])


async def test_the_most_alike_comes_first(processing: Processing, account: Account, company: str) -> None:
    near = await other_deal(processing, [company], amount=Decimal(1045), name=f"{NAME} 2")
    same = await other_deal(processing, [company])
    assert await candidates(processing, deal(account, company)) == [same, near]


@pytest.mark.parametrize(
    ("properties", "words"),
    [({"dealstage": "closedwon"}, "closed"), ({"dealname": "  "}, "name")],
)
async def test_what_cannot_be_compared_is_told(
    processing: Processing, account: Account, company: str, properties: dict[str, str], words: str
) -> None:
    """Nothing found and nothing looked for are two things."""
    output = (await processing.through(deal(account, company, **properties), "deduplicate"))["deduplicate"]
    assert words in message(output, "duplicates_not_searched")


async def test_a_deal_without_company_and_contact_cannot_be_compared(processing: Processing, account: Account) -> None:
    output = (await processing.through(account.deal(), "deduplicate"))["deduplicate"]
    assert "no deals to compare" in message(output, "duplicates_not_searched")


async def test_the_search_is_served_by_the_indexes(database: Database) -> None:
    """With many deals, it reads those of the company and of the contacts alone."""
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


ENGINES = words([COMPANY])
LIMITS = shipped_rulebook().duplicates


@pytest.mark.parametrize(
    "other",
    [
        NAME,
        NAME.upper(),
        f"{NAME} (copy)",
        f"{NAME} 2",
        "Engines Ltd \u2013 loom rollout",
        "Engines Limited - loom rollout",
        "Engines Ltd - loom rolluot",
        "Egnines Ltd - loom rollout",
    ],
)
def test_names_typed_twice_are_alike(other: str) -> None:
    assert name_likeness(NAME, other, ENGINES, LIMITS) is not None


@pytest.mark.parametrize(
    "other",
    ["Engines Ltd - annual licence", "Engines Ltd - pilot", "Engines Ltd", "株式会社ナカムラ 年間ライセンス", "", "🚀"],
)
def test_other_matters_of_the_same_company_are_not(other: str) -> None:
    assert name_likeness(NAME, other, ENGINES, LIMITS) is None


def compare(amount: str | None = "1000", currency: str | None = "EUR", days: int | None = 0) -> int | None:
    created = None if days is None else CREATED + timedelta(days=days)
    this = Comparable(NAME, Decimal(1000), "EUR", CREATED)
    return score(this, Comparable(NAME, Decimal(amount) if amount else None, currency, created), ENGINES, LIMITS)


def test_the_score_falls_with_distance() -> None:
    """100 for the very same; what is not known counts half; in another currency nothing can be said."""
    assert compare() == 100
    assert compare("1020") == 96
    assert compare(days=30) == 95
    assert compare(None) == compare("1", "USD") == 90
    assert compare(days=None) == 95


def test_beyond_the_limits_it_is_another_deal() -> None:
    """Five per cent of the larger amount, sixty days."""
    assert compare("1053") is None
    assert compare("949") is None
    assert compare(days=61) is None


def test_two_deals_worth_nothing_are_alike_in_that() -> None:
    nothing = Comparable(NAME, Decimal(0), "EUR", CREATED)
    assert score(nothing, nothing, ENGINES, LIMITS) == 100
