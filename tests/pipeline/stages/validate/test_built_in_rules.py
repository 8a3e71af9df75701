"""Each built-in rule finds what it is for and describes it in a sentence."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages.account_days import AccountDays
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.findings import Issue
from pipeline.stages.stage import StageFailed
from pipeline.stages.validate import built_in_rules
from tests.pipeline.stages.example_facts import CURRENCIES, DEFAULT, LOST, OPEN, OWNER, WON, changed_rulebook, facts


def found_in(deal: DealFacts, rulebook: Rulebook | None = None) -> list[Issue]:
    return list(built_in_rules.issues(deal, rulebook or shipped_rulebook()))


def test_a_good_deal_has_no_findings() -> None:
    assert found_in(facts()) == []
    assert found_in(facts(stage=WON, hs_next_step=None, closedate="2020-01-01")) == []


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
def test_each_rule_finds_what_it_is_for(deal: DealFacts, rule: str, words: str) -> None:
    """And describes it in a sentence."""
    found: dict[str, Issue] = {issue.rule: issue for issue in found_in(deal)}
    assert words in found[rule].message
    assert found[rule].message.endswith(".")


@pytest.mark.parametrize(
    "deal",
    [
        facts(deal_currency_code=None),
        facts(currencies=CURRENCIES, deal_currency_code="USD"),
        facts(closedate="2026-11-24T12:00:00Z"),
        facts(closedate="2026-11-24T09:00:00Z"),
        facts(closedate="2026-11-24"),
        facts(hs_last_activity_date=None),
        facts(hs_last_activity_date=None, createdate="2026-11-01"),
        facts(stage=LOST, closed_lost_reason="Price"),
        facts(stage=WON, hs_last_activity_date="2020-01-01"),
    ],
)
def test_no_rule_finds_anything_in_correct_values(deal: DealFacts) -> None:
    assert found_in(deal) == []


def rules_at(now: str, zone: str, **properties: Any) -> dict[str, str]:
    """The messages by rule, at that time (UTC) and for an account in that zone."""
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    return {issue.rule: issue.message for issue in found_in(facts(now=at, days=days_in(zone), **properties))}


def days_in(zone: str) -> AccountDays:
    return AccountDays(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "closes", "last_minute", "next_day"),
    [
        ("UTC", "2026-11-30T09:00:00Z", "2026-11-30T23:59", "2026-12-01T00:00"),
        ("Pacific/Auckland", "2026-11-30T09:00:00Z", "2026-11-30T10:59", "2026-11-30T11:00"),
        ("America/Los_Angeles", "2026-12-01T07:59:59Z", "2026-12-01T07:59", "2026-12-01T08:00"),
        # As HubSpot's page for this account shows it, it closes on the 30th.
        ("America/Los_Angeles", "2026-12-01T00:00:00Z", "2026-12-01T07:59", "2026-12-01T08:00"),
        # A day is the same in every zone.
        ("America/Los_Angeles", "2026-11-30", "2026-12-01T07:59", "2026-12-01T08:00"),
        ("Pacific/Auckland", "2026-11-30", "2026-11-30T10:59", "2026-11-30T11:00"),
        ("Pacific/Auckland", "1796031000000", "2026-11-30T10:59", "2026-11-30T11:00"),
        ("Asia/Kolkata", "2026-12-31T18:29:59Z", "2026-12-31T18:29", "2026-12-31T18:30"),
        ("Asia/Kathmandu", "2026-12-31T12:00:00Z", "2026-12-31T18:14", "2026-12-31T18:15"),
        # Days of 23 and of 25 hours.
        ("America/Los_Angeles", "2026-03-08T09:00:00Z", "2026-03-09T06:59", "2026-03-09T07:00"),
        ("America/Los_Angeles", "2026-11-01T07:00:00Z", "2026-11-02T07:59", "2026-11-02T08:00"),
    ],
)
def test_a_deal_is_overdue_from_the_day_after_its_close_date_on(
    zone: str, closes: str, last_minute: str, next_day: str
) -> None:
    """In the account's time zone: on the day itself it may close in time; a minute later it is one day late."""
    assert "close_date_past" not in rules_at(last_minute, zone, closedate=closes)
    assert "was 1 day ago" in rules_at(next_day, zone, closedate=closes)["close_date_past"]


def test_the_day_that_is_named_is_the_accounts() -> None:
    """The one that HubSpot's page shows: it is another one in UTC."""
    late = rules_at("2026-11-30T12:00", "America/Los_Angeles", closedate="2026-11-29T02:00:00Z")
    assert late["close_date_past"] == "The deal is open, and its close date 2026-11-28 was 2 days ago."


@pytest.mark.parametrize("name", ["hs_last_activity_date", "createdate"])
def test_a_deal_is_stalled_from_a_midnight_on(name: str) -> None:
    """31 days after the day of the last activity, whatever its time of day, with a change of clocks in between."""
    for time in ("2026-10-20T08:00:00Z", "2026-10-21T06:59:00Z"):
        given = {"hs_last_activity_date": None, name: time}
        assert "stalled" not in rules_at("2026-11-20T07:59", "America/Los_Angeles", closedate=None, **given)
        stalled = rules_at("2026-11-20T08:00", "America/Los_Angeles", closedate=None, **given)["stalled"]
        assert "31 days" in stalled


def test_a_day_without_activity_is_one_day() -> None:
    limits = {**shipped_rulebook().limits.model_dump(), "stalled_after_days": 1}
    found = found_in(facts(hs_last_activity_date="2026-11-22"), changed_rulebook(limits=limits))
    assert "for 2 days." in found[0].message
    assert found_in(facts(hs_last_activity_date="2026-11-23"), changed_rulebook(limits=limits)) == []


def test_a_deal_in_an_unknown_stage_is_not_called_late() -> None:
    """It is unknown whether the deal is open; the finding about its stage says that its dates were not checked."""
    found = found_in(facts(stage=None, closedate="2020-01-01", hs_next_step=None))
    assert [issue.rule for issue in found] == ["stage_unknown"]
    assert "not checked" in found[0].message


def test_the_rulebook_can_require_properties_in_a_stage() -> None:
    """Only of deals in that stage of that pipeline."""
    requiring = changed_rulebook(required={"default": {"qualifiedtobuy": ["dealtype", "closedate"]}})
    assert [(issue.rule, issue.property) for issue in found_in(facts(), requiring)] == [
        ("required_missing", "dealtype")
    ]
    assert found_in(facts(dealtype="newbusiness"), requiring) == []
    assert found_in(facts(stage=OPEN.model_copy(update={"id": "contractsent"})), requiring) == []
    assert found_in(facts(pipeline=DEFAULT.model_copy(update={"id": "other"})), requiring) == []


def test_the_rulebook_sets_when_a_deal_is_stalled() -> None:
    limits = {**shipped_rulebook().limits.model_dump(), "stalled_after_days": 3}
    assert [issue.rule for issue in found_in(facts(), changed_rulebook(limits=limits))] == ["stalled"]


def test_a_rule_that_raises_fails_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rule's name: a bug in a rule must not make a deal look clean."""

    def broken(facts: DealFacts) -> str | None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(built_in_rules, "RULES", (built_in_rules.Rule("amount_missing", "amount", broken),))
    with pytest.raises(StageFailed, match="rule amount_missing could not be applied: ZeroDivisionError: by zero"):
        found_in(facts())
