"""Validate finds what is wrong with a deal, says it in sentences, and never fails on bad data."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.responses import DealPipeline, DealStage, Option, Owner, PropertyDefinition, StageMetadata, ValidationRule
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stage import StageFailed
from pipeline.stages import account_rules, rules
from pipeline.stages.facts import Facts
from pipeline.stages.findings import Issue
from pipeline.stages.redaction import REDACTED
from tests.crm.account import Account
from tests.stages.processing import Processing, message
from tests.stages.processing import rules as rules_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OPEN = DealStage(id="qualifiedtobuy", label="Qualified To Buy", metadata=StageMetadata(probability="0.4"))
WON = DealStage(id="closedwon", label="Closed Won", metadata=StageMetadata(probability="1.0", is_closed="true"))
LOST = DealStage(id="closedlost", label="Closed Lost", metadata=StageMetadata(probability="0.0", is_closed="true"))
DEFAULT = DealPipeline(id="default", label="Sales Pipeline")
OWNER = Owner(id="7", first_name="Ada", last_name="Byron")
GOOD = {
    "dealname": "Loom rollout",
    "amount": "1200.50",
    "deal_currency_code": "EUR",
    "pipeline": "default",
    "dealstage": "qualifiedtobuy",
    "closedate": "2026-12-24T00:00:00Z",
    "hubspot_owner_id": "7",
    "hs_next_step": "Send the quote",
    "hs_last_activity_date": "2026-11-20T00:00:00Z",
}


def facts(
    *,
    stage: DealStage | None = OPEN,
    owner: Owner | None = OWNER,
    pipeline: DealPipeline | None = DEFAULT,
    currencies: PropertyDefinition | None = None,
    **properties: str | None,
) -> Facts:
    """Of an open deal in good order, but for what is given."""
    return Facts(
        properties={**GOOD, **properties},
        pipeline=pipeline,
        stage=stage,
        owner=owner,
        currencies=currencies,
        now=NOW,
    )


def found_in(deal: Facts, rulebook: Rulebook | None = None) -> list[Issue]:
    return list(rules.issues(deal, rulebook or shipped_rulebook()))


def test_a_deal_in_good_order_has_no_findings() -> None:
    assert found_in(facts()) == []
    assert found_in(facts(stage=WON, hs_next_step=None, closedate="2020-01-01")) == []


CURRENCIES = PropertyDefinition(name="deal_currency_code", options=[Option(value="USD")])


@pytest.mark.parametrize(
    ("deal", "rule", "words"),
    [
        (facts(dealname=None), "name_missing", "no name"),
        (facts(dealname="  \t"), "name_missing", "no name"),
        (facts(amount=None), "amount_missing", "no amount"),
        (facts(amount="twelve"), "amount_unreadable", "'twelve' is not a number"),
        (facts(amount="0"), "amount_not_positive", "The amount is 0"),
        (facts(amount="-5.00"), "amount_not_positive", "-5.00"),
        (facts(deal_currency_code="Euro"), "currency_unknown", "'Euro'"),
        (facts(currencies=CURRENCIES), "currency_unknown", "'EUR'"),
        (facts(stage=None, pipeline=None), "pipeline_unknown", "no pipeline 'default'"),
        (facts(stage=None), "stage_unknown", "no stage 'qualifiedtobuy'"),
        (facts(stage=None, dealstage=None), "stage_unknown", "in no stage"),
        (facts(closedate=None), "close_date_missing", "no close date"),
        (facts(closedate="soon"), "close_date_unreadable", "'soon' is not a date"),
        (facts(closedate="2026-11-23"), "close_date_past", "2026-11-23 was 1 day ago"),
        (facts(closedate="2026-08-16"), "close_date_past", "100 days ago"),
        (facts(owner=None, hubspot_owner_id=None), "owner_missing", "no owner"),
        (facts(owner=None), "owner_unknown", "no owner '7'"),
        (facts(owner=OWNER.model_copy(update={"archived": True})), "owner_inactive", "Ada Byron is deactivated"),
        (facts(hs_next_step=" "), "next_step_missing", "no next step"),
        (facts(stage=LOST), "lost_reason_missing", "lost"),
        (facts(hs_last_activity_date="2026-10-01"), "stalled", "54 days"),
        (facts(hs_last_activity_date=None, createdate="2026-10-01"), "stalled", "no activity yet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_rule_finds_what_it_is_for(deal: Facts, rule: str, words: str) -> None:
    """In a sentence that says what is wrong."""
    found: dict[str, Issue] = {issue.rule: issue for issue in found_in(deal)}
    assert words in found[rule].message
    assert found[rule].message.endswith(".")


@pytest.mark.parametrize(
    "deal",
    [
        facts(deal_currency_code=None),
        facts(currencies=CURRENCIES, deal_currency_code="USD"),
        facts(closedate="2026-11-24T12:00:00Z"),
        facts(hs_last_activity_date=None),
        facts(hs_last_activity_date=None, createdate="2026-11-01"),
        facts(stage=LOST, closed_lost_reason="Price"),
        facts(stage=WON, hs_last_activity_date="2020-01-01"),
    ],
)
def test_a_rule_leaves_alone_what_is_right(deal: Facts) -> None:
    assert found_in(deal) == []


def test_a_deal_in_an_unknown_stage_is_not_called_late() -> None:
    """Whether it is open cannot be told; the finding about its stage says that its dates were not checked."""
    found = found_in(facts(stage=None, closedate="2020-01-01", hs_next_step=None))
    assert [issue.rule for issue in found] == ["stage_unknown"]
    assert "not checked" in found[0].message


def rulebook(**tables: dict[str, Any]) -> Rulebook:
    """The shipped one with these tables instead."""
    return Rulebook.model_validate({**shipped_rulebook().model_dump(), **tables})


def test_a_stage_may_ask_for_more() -> None:
    """By the rulebook: of the deals in that stage of that pipeline alone."""
    asking = rulebook(required={"default": {"qualifiedtobuy": ["dealtype", "closedate"]}})
    assert [(issue.rule, issue.property) for issue in found_in(facts(), asking)] == [("required_missing", "dealtype")]
    assert found_in(facts(dealtype="newbusiness"), asking) == []
    assert found_in(facts(stage=OPEN.model_copy(update={"id": "contractsent"})), asking) == []
    assert found_in(facts(pipeline=DEFAULT.model_copy(update={"id": "other"})), asking) == []


def test_the_rulebook_says_how_long_is_long() -> None:
    limits = {**shipped_rulebook().limits.model_dump(), "stalled_after_days": 3}
    assert [issue.rule for issue in found_in(facts(), rulebook(limits=limits))] == ["stalled"]


def test_a_rule_that_breaks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a mistake of ours: the stage fails rather than call the deal clean."""

    def broken(facts: Facts) -> str | None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(rules, "RULES", (rules.Rule("amount_missing", "amount", broken),))
    with pytest.raises(StageFailed, match="rule amount_missing could not be applied: ZeroDivisionError: by zero"):
        found_in(facts())


def by_account(value: str | None, rule_type: str, *arguments: str) -> list[str]:
    """The rules of the findings about one property under one rule of the account's."""
    rule = ValidationRule(rule_type=rule_type, rule_arguments=list(arguments))
    return [issue.told_as or issue.rule for issue in account_rules.issues({"amount": value}, {"amount": [rule]})]


@pytest.mark.parametrize(
    ("rule_type", "argument", "keeps", "breaks"),
    [
        ("MIN_NUMBER", "500", "500", "499.99"),
        ("MAX_NUMBER", "500", "500", "500.01"),
        ("MIN_LENGTH", "5", "abcde", "abcd"),
        ("MAX_LENGTH", "5", "abcde", "abcdef"),
        ("DECIMAL", "2", "1.250", "1.255"),
        ("START_DATE", "2026-01-01", "2026-01-01", "2025-12-31"),
        ("END_DATE", "2026-01-01", "2026-01-01", "2026-01-02"),
        ("START_DATETIME", "1767225600000", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z"),
        ("END_DATETIME", "1767225600000", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("ALPHANUMERIC", "NUMERIC_ONLY", "0123", "12a"),
        ("REGEX", "^[A-Z]{3}$", "ABC", "ABCD"),
    ],
)
def test_the_admins_rules_are_applied(rule_type: str, argument: str, keeps: str, breaks: str) -> None:
    assert by_account(keeps, rule_type, argument) == []
    assert by_account(breaks, rule_type, argument) == [f"account_{rule_type.lower()}"]
    assert by_account(None, rule_type, argument) == []


@pytest.mark.parametrize(
    ("value", "rule_type", "arguments"),
    [
        ("x", "DAYS_OF_WEEK", ["MONDAY"]),
        ("12", "MIN_NUMBER", []),
        ("12", "MIN_NUMBER", ["many"]),
        ("twelve", "MIN_NUMBER", ["5"]),
        ("12a", "ALPHANUMERIC", ["SOMETHING_NEW"]),
        ("x", "REGEX", ["(?=look)ahead"]),
        ("x", "REGEX", ["("]),
    ],
)
def test_a_rule_that_is_not_understood_is_told(value: str, rule_type: str, arguments: list[str]) -> None:
    """Neither kept nor broken: not checked."""
    assert by_account(value, rule_type, *arguments) == ["account_rule_unchecked"]


def test_rules_for_properties_that_are_not_read_are_told() -> None:
    rule = ValidationRule(rule_type="MIN_NUMBER", rule_arguments=["1"])
    found = list(account_rules.issues({}, {"budget": [rule]}))
    assert [(issue.rule, issue.property) for issue in found] == [("account_rule_unchecked", "budget")]


def test_what_is_redacted_is_not_judged() -> None:
    """The word that stands in its place would break any rule."""
    assert by_account(REDACTED, "MAX_LENGTH", "5") == ["account_rule_unchecked"]


@pytest.mark.timeout(5)
def test_a_pattern_cannot_hold_up_the_worker() -> None:
    """One that takes a backtracking engine longer than the universe has lasted is decided at once."""
    assert by_account("a" * 1_000 + "!", "REGEX", "^(a|a)*$") == ["account_regex"]


async def test_a_dirty_deal_is_told_from_a_clean_one(processing: Processing, account: Account) -> None:
    """By the sandbox's own pipelines, owners, properties and rules."""
    late = datetime.now(UTC) - timedelta(days=3)
    dirty = await processing.through(
        account.deal({"amount": "400", "closedate": late.isoformat(), "hubspot_owner_id": "76001988"}), "validate"
    )
    assert set(rules_of(dirty["validate"])) == {
        "close_date_past", "owner_inactive", "next_step_missing", "account_min_number"
    }  # fmt: skip
    assert "Ulrike Brandt" in message(dirty["validate"], "owner_inactive")
    assert "MIN_NUMBER 500" in message(dirty["validate"], "account_min_number")
    soon = datetime.now(UTC) + timedelta(days=30)
    clean = await processing.through(
        account.deal(
            {
                "amount": "900",
                "closedate": soon.isoformat(),
                "hubspot_owner_id": "79544102",
                "hs_next_step": "Send the quote",
                "deal_currency_code": "EUR",
            }
        ),
        "validate",
    )
    assert clean["validate"]["findings"] == []
