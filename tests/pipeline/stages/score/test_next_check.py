"""When a deal is checked again without an edit: on the day on which a rule may find something else, or after a week."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.rulebook import shipped_rulebook
from pipeline.stages.account_days import AccountDays
from pipeline.stages.deal_facts import DealFacts
from pipeline.stages.score.next_check import next_check
from tests.pipeline.stages.example_facts import LOST, NOW, WON, facts

LIMITS = shipped_rulebook().limits
TODAY = NOW.date()
IN_A_WEEK = NOW + timedelta(days=7)


def check_at(deal: DealFacts, since: date | None = TODAY, usual: int | None = None) -> datetime | None:
    return next_check(deal, since, usual, LIMITS).at


def days(count: int) -> date:
    return TODAY + timedelta(days=count)


@pytest.mark.parametrize(
    ("deal", "since", "usual", "day"),
    [
        (facts(closedate=f"{TODAY}"), TODAY, None, days(1)),
        (facts(closedate=f"{days(3)}T23:59:59Z"), TODAY, None, days(4)),
        (facts(hs_last_activity_date=f"{days(-30)}"), TODAY, None, days(1)),
        (facts(hs_last_activity_date=None, createdate=f"{days(-28)}"), TODAY, None, days(3)),
        (facts(), days(-90), None, days(1)),
        (facts(), days(-13), 3, days(1)),
        (facts(), days(-16), 10, days(5)),
        (facts(closedate=f"{days(2)}", hs_last_activity_date=f"{days(-29)}"), days(-90), None, days(1)),
    ],
    ids=["closes today", "closes later", "idle", "idle since created", "long", "slow", "slower than usual", "first"],
)
def test_the_next_check_is_when_the_first_day_of_a_rule_begins(
    deal: DealFacts, since: date, usual: int | None, day: date
) -> None:
    assert check_at(deal, since, usual) == datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.mark.parametrize(
    "deal",
    [
        facts(),
        facts(stage=None),
        facts(closedate="2020-01-01", hs_last_activity_date="2020-01-01"),
        facts(closedate="never", hs_last_activity_date="9999-12-31"),
        facts(closedate="9999-12-31"),
    ],
    ids=["nothing soon", "unknown stage", "all passed", "unreadable", "end of the calendar"],
)
def test_an_open_deal_is_checked_after_a_week_at_the_latest(deal: DealFacts) -> None:
    assert check_at(deal, date(2020, 1, 1)) == IN_A_WEEK


@pytest.mark.parametrize("stage", [WON, LOST])
def test_a_closed_deal_is_not_checked_again(stage: object) -> None:
    assert check_at(facts(stage=stage, closedate=f"{TODAY}")) is None  # type: ignore[arg-type]


def test_the_day_begins_at_the_accounts_midnight() -> None:
    """Also where its length is another one: the clocks of New York go back on that day."""
    deal = facts(closedate="2026-10-31T20:00:00Z")
    zone = ZoneInfo("America/New_York")
    there = {name: getattr(deal, name) for name in DealFacts.__dataclass_fields__}
    there |= {"days": AccountDays(zone), "now": datetime(2026, 10, 30, 12, tzinfo=UTC)}
    assert check_at(DealFacts(**there)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
