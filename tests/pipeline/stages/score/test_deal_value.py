"""Sums are exact, and a total is given only when it covers every line item in one currency."""

from decimal import Decimal

import pytest

from pipeline.stages.fetch.output import LineItem
from pipeline.stages.score.deal_value import add_up, weighted_value
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import (
    facts,
)
from tests.pipeline.stages.processing import Processing, message


async def test_line_items_that_differ_from_the_amount_are_reported(processing: Processing, account: Account) -> None:
    """The finding gives both figures."""
    item = account.line_item("900", "1", "EUR")
    given = {"amount": "1000", "deal_currency_code": "EUR"}
    output = (await processing.through(account.deal(given, line_items=[item]), "score"))["score"]
    assert message(output, "line_items_differ") == "The amount is 1000, and the line items add up to 900."


async def test_an_empty_amount_is_reported_with_the_sum_of_the_line_items(
    processing: Processing, account: Account
) -> None:
    """For information: the amount stays empty."""
    output = (await processing.through(account.deal(line_items=[account.line_item("900")]), "score"))["score"]
    assert "add up to 900" in message(output, "amount_from_line_items")
    assert output["weighted_value"] is None


def item(amount: str | None, currency: str | None = None) -> LineItem:
    return LineItem(id="1", amount=amount, currency=currency)


def test_sums_are_exact() -> None:
    """They are calculated in Decimal."""
    assert add_up([item("0.10")] * 10, "EUR", complete=True).total == Decimal("1.00")
    digits = "123456789012345678901234567890"
    assert add_up([item(digits), item("0.25")], "EUR", complete=True).total == Decimal(f"{digits}.25")


def test_the_largest_amount_can_be_weighted() -> None:
    """Bad data never fails a stage: the largest number that is parsed, times a probability."""
    assert weighted_value(facts(amount="9" * 30)) == Decimal("3" + "9" * 29 + ".60")


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
