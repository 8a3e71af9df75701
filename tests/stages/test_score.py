"""Score says how complete a deal is, what it is worth and how urgent; every figure can be reckoned by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pipeline.rulebook import Severity
from pipeline.stages.fetch import LineItem
from pipeline.stages.findings import Finding, worst
from pipeline.stages.totals import add_up
from tests.crm.account import Account
from tests.stages.processing import Processing, message, rules

KENJI, ULRIKE = "79544102", "76001988"


async def test_a_complete_deal_scores_a_hundred(processing: Processing, account: Account) -> None:
    """Line items add up, the value is weighted by the stage's probability, nobody has to do anything."""
    company = account.company()
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    deal_id = account.deal(
        {
            "amount": "1000.50",
            "deal_currency_code": "EUR",
            "closedate": soon,
            "dealstage": "appointmentscheduled",
            "hubspot_owner_id": KENJI,
            "hs_next_step": "Send the quote",
        },
        contacts=[account.contact(company=company)],
        companies=[company],
        line_items=[account.line_item("500.25", "1", "EUR"), account.line_item("250.125", "2", "EUR")],
    )
    account.move(deal_id, "qualifiedtobuy")
    output = (await processing.through(deal_id, "score"))["score"]
    assert output == {
        "completeness": 100,
        "totals": {"line_items": 2, "total": "1000.50", "reason": None},
        "weighted_value": "400.20",
        "stage_age_days": 0,
        "usual_stage_age_days": None,
        "days_without_activity": None,
        "priority": None,
        "route": None,
        "hand_off": [],
        "findings": [],
    }


async def test_what_is_missing_costs_its_share(processing: Processing, account: Account) -> None:
    """A bare open deal has its name alone; of a closed one no next step is asked."""
    bare = (await processing.through(account.deal(), "score"))["score"]
    assert (bare["completeness"], bare["weighted_value"], bare["priority"]) == (10, None, "high")
    closed = (await processing.through(account.deal({"dealstage": "closedwon", "amount": "5"}), "score"))["score"]
    assert closed["completeness"] == round(100 * 30 / 90)


async def test_an_owner_who_left_is_no_owner(processing: Processing, account: Account) -> None:
    gone = (await processing.through(account.deal({"hubspot_owner_id": ULRIKE}), "score"))["score"]
    here = (await processing.through(account.deal({"hubspot_owner_id": KENJI}), "score"))["score"]
    assert here["completeness"] - gone["completeness"] == 15


async def test_line_items_that_differ_from_the_amount_are_told(processing: Processing, account: Account) -> None:
    """With both figures."""
    item = account.line_item("900", "1", "EUR")
    given = {"amount": "1000", "deal_currency_code": "EUR"}
    output = (await processing.through(account.deal(given, line_items=[item]), "score"))["score"]
    assert message(output, "line_items_differ") == "The amount is 1000, and the line items add up to 900."


async def test_an_empty_amount_is_read_off_the_line_items(processing: Processing, account: Account) -> None:
    """As information: nothing is filled in."""
    output = (await processing.through(account.deal(line_items=[account.line_item("900")]), "score"))["score"]
    assert "add up to 900" in message(output, "amount_from_line_items")
    assert output["weighted_value"] is None


async def test_a_deal_that_stands_still_is_told(processing: Processing, account: Account) -> None:
    """After a quarter in one stage; a closed deal may stay closed."""
    later = datetime.now(UTC) + timedelta(days=91, hours=1)
    deal_id = account.deal({"dealstage": "appointmentscheduled"})
    account.move(deal_id, "qualifiedtobuy")
    open_deal = (await processing.through(deal_id, "score", now=later))["score"]
    assert open_deal["stage_age_days"] == 91
    assert "Qualified To Buy for 91 days" in message(open_deal, "long_in_stage")
    closed = (await processing.through(account.deal({"dealstage": "closedwon"}), "score", now=later))["score"]
    assert "long_in_stage" not in rules(closed)


def item(amount: str | None, currency: str | None = None) -> LineItem:
    return LineItem(id="1", amount=amount, currency=currency)


def test_sums_are_exact() -> None:
    """In Decimal: ten times ten cents are one."""
    assert add_up([item("0.10")] * 10, "EUR", complete=True).total == Decimal("1.00")


@pytest.mark.parametrize(
    ("items", "complete", "words"),
    [
        ([], True, "no line items"),
        ([item("5"), item(None)], True, "Not every line item"),
        ([item("5"), item("five")], True, "Not every line item"),
        ([item("5")], False, "Not every line item"),
        ([item("5", "EUR"), item("5", "USD")], True, "other currencies than the deal's EUR"),
    ],
)
def test_no_total_is_better_than_a_wrong_one(items: list[LineItem], complete: bool, words: str) -> None:
    totals = add_up(items, "EUR", complete=complete)
    assert totals.total is None
    assert words in (totals.reason or "")


def test_the_worst_finding_sets_the_priority() -> None:
    """What only says that something is not known asks nobody to do anything."""
    found = [Finding(rule=severity, severity=severity, message=".") for severity in Severity]
    assert worst(found) is Severity.HIGH
    assert worst(found[1:]) is Severity.MEDIUM
    assert worst(found[3:]) is None
    assert worst([]) is None
