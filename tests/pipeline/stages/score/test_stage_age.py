"""A deal that has been in its stage for too long is reported."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.days import days_later
from pipeline.rulebook import shipped_rulebook
from pipeline.stages.account_days import AccountDays
from pipeline.stages.fetch.output import FetchOutput, StageVisit
from pipeline.stages.score import stage_age
from tests.crm.account import Account
from tests.pipeline.stages.example_facts import (
    facts,
)
from tests.pipeline.stages.processing import Processing, message, rules


async def test_a_deal_that_stays_long_in_a_stage_is_reported(processing: Processing, account: Account) -> None:
    """After more than 90 days; a closed deal may stay in its stage."""
    deal_id = account.deal({"dealstage": "appointmentscheduled"})
    account.move(deal_id, "qualifiedtobuy")
    later = days_later(datetime.now(UTC), 91, ZoneInfo("Europe/London"))
    open_deal = (await processing.through(deal_id, "score", now=later))["score"]
    assert open_deal["stage_age_days"] == 91
    assert "Qualified To Buy for 91 days" in message(open_deal, "long_in_stage")
    closed = (await processing.through(account.deal({"dealstage": "closedwon"}), "score", now=later))["score"]
    assert "long_in_stage" not in rules(closed)


def test_the_age_in_a_stage_grows_at_the_accounts_midnight() -> None:
    """By HubSpot's property and, where it is empty, by the stage history; entered yesterday, a deal is one day old."""
    entered = datetime(2026, 11, 30, 10, 59, tzinfo=UTC)
    auckland = AccountDays(ZoneInfo("Pacific/Auckland"))
    visit = StageVisit(stage="qualifiedtobuy", since=entered)
    fetched = FetchOutput(
        read_at=entered, stage_history=[visit], properties={}, contacts=[], companies=[], line_items=[], missing={},
        truncated=[],
    )  # fmt: skip
    for property_of_hubspot in (entered.isoformat(), None):
        for minutes, age in ((0, 0), (1, 1), (24 * 60, 1), (24 * 60 + 1, 2)):
            now = entered + timedelta(minutes=minutes)
            deal = facts(now=now, days=auckland, hs_v2_date_entered_current_stage=property_of_hubspot)
            since = stage_age.in_stage_since(deal, fetched)
            assert since == date(2026, 11, 30)
            assert stage_age.days_since(since, deal.today) == age


def test_slow_is_more_than_a_multiple_of_the_median() -> None:
    limits = shipped_rulebook().limits
    deal = facts()
    assert [issue.rule for issue in stage_age.issues(deal, 41, 20, limits)] == ["slow_in_stage"]
    assert list(stage_age.issues(deal, 40, 20, limits)) == []
    assert list(stage_age.issues(deal, 13, 2, limits)) == []
    assert [issue.rule for issue in stage_age.issues(deal, 91, 20, limits)] == ["long_in_stage"]
    assert [issue.rule for issue in stage_age.issues(deal, None, 20, limits)] == ["stage_age_unknown"]
