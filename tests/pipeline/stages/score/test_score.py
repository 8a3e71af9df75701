"""Score says how complete a deal is, what it is worth and how urgent; every figure can be reckoned by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import orjson
import pytest

from pipeline.rulebook import Rulebook, Severity, shipped_rulebook
from pipeline.stages.fetch.output import LineItem
from pipeline.stages.findings import Finding, worst_severity
from pipeline.stages.score import deal_value, hand_off, stage_age
from pipeline.stages.score.deal_value import add_up, weighted_value
from pipeline.stages.stage import StageFailed, StageSettings
from tests.crm.account import Account
from tests.factories import queued_deal
from tests.pipeline.stages.processing import Processing, message, rules
from tests.pipeline.stages.validate.test_validate import facts

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


def rulebook(**tables: Any) -> Rulebook:
    return Rulebook.model_validate({**shipped_rulebook().model_dump(), **tables})


async def test_a_deal_without_an_owner_is_suggested_one(processing: Processing, account: Account) -> None:
    """Of those in the list who are still there, always the same; of the pipeline's own list where there is one."""
    processing.settings = StageSettings(rulebook=rulebook(route={"*": [ULRIKE, KENJI]}))
    deal_id = account.deal()
    suggested = [(await processing.through(deal_id, "score"))["score"]["route"] for _ in range(2)]
    assert [route["owner_id"] for route in suggested] == [KENJI, KENJI]
    assert "no active owner" in suggested[0]["because"]
    owned = account.deal({"hubspot_owner_id": KENJI})
    assert (await processing.through(owned, "score"))["score"]["route"] is None
    processing.settings = StageSettings(rulebook=rulebook(route={"*": [KENJI], "default": []}))
    assert (await processing.through(deal_id, "score"))["score"]["route"] is None


async def test_a_won_deal_is_checked_for_the_hand_off(processing: Processing, account: Account) -> None:
    """With what is missing; an open deal has no such list."""
    given = {"dealstage": "closedwon", "amount": "5", "closedate": "2026-11-01", "hubspot_owner_id": KENJI}
    output = (await processing.through(account.deal(given), "score"))["score"]
    assert [check["item"] for check in output["hand_off"] if not check["is_there"]] == ["contact", "company"]
    assert message(output, "hand_off_incomplete").endswith("lacks: contact, company.")
    assert (await processing.through(account.deal(), "score"))["score"]["hand_off"] == []


async def test_a_deal_that_is_slower_than_the_others_is_told(processing: Processing, account: Account) -> None:
    """Beside the median of those in its stage, where there are enough of them."""
    now = datetime.now(UTC)
    for days in (10, 20, 30):
        since = (now - timedelta(days=days)).isoformat()
        written = orjson.dumps({"hs_v2_date_entered_current_stage": since}).decode()
        await queued_deal(processing.database, properties=written)
    await queued_deal(processing.database, properties='{"hs_v2_date_entered_current_stage": "long ago"}')
    limits = {**shipped_rulebook().limits.model_dump(), "slow_in_stage_among": 3}
    processing.settings = StageSettings(rulebook=rulebook(limits=limits))
    deal_id = account.deal({"dealstage": "appointmentscheduled"})
    account.move(deal_id, "qualifiedtobuy")
    output = (await processing.through(deal_id, "score", now=now + timedelta(days=70)))["score"]
    assert output["usual_stage_age_days"] == 90
    assert "slow_in_stage" not in rules(output)
    processing.settings = StageSettings(rulebook=rulebook(limits={**limits, "slow_in_stage_times": 1}))
    output = (await processing.through(deal_id, "score", now=now))["score"]
    assert (output["usual_stage_age_days"], rules(output)) == (20, [])


@pytest.mark.parametrize(
    ("module", "look", "rule"),
    [
        (deal_value, "add_up", "line_items_differ"),
        (deal_value, "weighted_value", "weighted_value"),
        (deal_value, "issues", "line_items_differ"),
        (stage_age, "issues", "long_in_stage"),
        (hand_off, "issues", "hand_off_incomplete"),
    ],
)
async def test_a_rule_that_breaks_is_named(
    processing: Processing, account: Account, monkeypatch: pytest.MonkeyPatch, module: ModuleType, look: str, rule: str
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(module, look, breaks)
    with pytest.raises(StageFailed, match=f"The rule {rule} could not be applied: ZeroDivisionError: by zero"):
        await processing.through(account.deal(), "score")


def test_slow_is_more_than_so_many_times_the_median() -> None:
    limits = shipped_rulebook().limits
    deal = facts()
    assert [issue.rule for issue in stage_age.issues(deal, 41, 20, limits)] == ["slow_in_stage"]
    assert list(stage_age.issues(deal, 40, 20, limits)) == []
    assert list(stage_age.issues(deal, 13, 2, limits)) == []
    assert [issue.rule for issue in stage_age.issues(deal, 91, 20, limits)] == ["long_in_stage"]
    assert [issue.rule for issue in stage_age.issues(deal, None, 20, limits)] == ["stage_age_unknown"]


def item(amount: str | None, currency: str | None = None) -> LineItem:
    return LineItem(id="1", amount=amount, currency=currency)


def test_sums_are_exact() -> None:
    """In Decimal: ten times ten cents are one."""
    assert add_up([item("0.10")] * 10, "EUR", complete=True).total == Decimal("1.00")
    digits = "123456789012345678901234567890"
    assert add_up([item(digits), item("0.25")], "EUR", complete=True).total == Decimal(f"{digits}.25")


def test_an_amount_may_be_absurd() -> None:
    """Bad data never fails a stage: the largest number that is read at all, times a probability."""
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


def test_the_worst_finding_sets_the_priority() -> None:
    """What only says that something is not known asks nobody to do anything."""
    found = [Finding(rule=severity, severity=severity, message=".") for severity in Severity]
    assert worst_severity(found) is Severity.HIGH
    assert worst_severity(found[1:]) is Severity.MEDIUM
    assert worst_severity(found[3:]) is None
    assert worst_severity([]) is None
