"""A date property holds a day of the calendar; of an instant, the day is that of the account's time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.client import HubSpot
from pipeline.stages.account_days import AccountDays, load_days
from tests.hubspot import catalog

LOS_ANGELES = AccountDays(ZoneInfo("America/Los_Angeles"), frozenset({"renewal"}))


async def test_zone_and_date_properties_come_from_the_account(client: HubSpot) -> None:
    """Of the sandbox's deals, no property that is read is a date."""
    assert await load_days(catalog(client)) == AccountDays(ZoneInfo("Europe/London"), frozenset())


@pytest.mark.parametrize(
    ("name", "value", "day"),
    [
        ("closedate", "2026-04-01T01:09:00Z", date(2026, 3, 31)),
        ("closedate", "2026-04-01T00:00:00Z", date(2026, 3, 31)),
        ("closedate", "1775001600000", date(2026, 3, 31)),
        ("closedate", " 2026-04-01 ", date(2026, 4, 1)),
        ("renewal", "2026-04-01", date(2026, 4, 1)),
        ("renewal", "2026-04-01T00:00:00Z", date(2026, 4, 1)),
        ("renewal", "1775001600000", date(2026, 4, 1)),
    ],
)
def test_each_kind_of_value_has_its_day(name: str, value: str, day: date) -> None:
    assert LOS_ANGELES.of_value(name, value) == day


@pytest.mark.parametrize("value", [None, "", "soon", "2026-02-30", "2026-13-01"])
def test_what_is_no_date_has_no_day(value: str | None) -> None:
    assert LOS_ANGELES.of_value_or_none("closedate", value) is None


@settings(max_examples=40, deadline=None)
@given(value=st.text() | st.integers(-(10**17), 10**17).map(str) | st.datetimes(timezones=st.just(UTC)).map(str))
def test_any_text_has_a_day_or_none(value: str) -> None:
    """The first and the last years, too, raise nothing."""
    for name in ("closedate", "renewal"):
        LOS_ANGELES.of_value_or_none(name, value)


def test_a_day_of_an_instant_is_the_accounts() -> None:
    assert LOS_ANGELES.of(datetime(2027, 1, 1, 7, 59, tzinfo=UTC)) == date(2026, 12, 31)
