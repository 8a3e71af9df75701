"""Days in a time zone: around midnight, where clocks change, and where they are half an hour apart from others."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.days import day_of, days_later, start_of_day, time_zone

MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", date(2026, 11, 30), "2026-11-30T00:00", 24),
        ("Pacific/Auckland", date(2026, 11, 30), "2026-11-29T11:00", 24),
        ("America/Los_Angeles", date(2026, 11, 30), "2026-11-30T08:00", 24),
        ("America/Los_Angeles", date(2026, 3, 8), "2026-03-08T08:00", 23),
        ("America/Los_Angeles", date(2026, 11, 1), "2026-11-01T07:00", 25),
        ("Pacific/Auckland", date(2026, 9, 27), "2026-09-26T12:00", 23),
        ("Pacific/Auckland", date(2026, 4, 5), "2026-04-04T11:00", 25),
        ("Asia/Kolkata", date(2027, 1, 1), "2026-12-31T18:30", 24),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30", 23.5),
        # Clocks go forward at midnight: the day begins at 01:00.
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00", 23),
        # Clocks went back at midnight: 23:00 to 24:00 came twice.
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17T02:00", 25),
        # Samoa skipped a day.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", 0),
    ],
)
def test_a_day_begins_and_ends_where_its_zone_says(zone: str, day: date, begins: str, hours: float) -> None:
    start = start_of_day(day, ZoneInfo(zone))
    assert (start, start.tzinfo) == (datetime.fromisoformat(begins).replace(tzinfo=UTC), UTC)
    assert start_of_day(day + timedelta(days=1), ZoneInfo(zone)) - start == timedelta(hours=hours)


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(sorted(available_timezones())),
    day=st.dates(min_value=date(1970, 1, 1), max_value=date(2999, 12, 31)),
)
def test_before_its_start_it_is_an_earlier_day(zone: str, day: date) -> None:
    """In every zone of the tz database; a day that a zone skipped begins with the next one."""
    start = start_of_day(day, ZoneInfo(zone))
    assert day_of(start - MICROSECOND, ZoneInfo(zone)) < day <= day_of(start, ZoneInfo(zone))


@given(instant=st.datetimes(timezones=st.just(UTC)), zone=st.sampled_from(["Pacific/Auckland", "America/Los_Angeles"]))
def test_every_instant_has_a_day(instant: datetime, zone: str) -> None:
    """The first and the last instants that Python knows included."""
    assert abs(day_of(instant, ZoneInfo(zone)) - instant.date()) <= timedelta(days=1)


def test_an_instant_in_any_offset_has_the_same_day() -> None:
    instant = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
    for hours in (-9, 0, 5.5):
        shifted = instant.astimezone(timezone(timedelta(hours=hours)))
        assert day_of(shifted, ZoneInfo("Asia/Kolkata")) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("zone", "at", "later"),
    [
        ("UTC", "2026-12-31T23:59", "2027-01-01T23:59"),
        # 23:30 before a day of 23 hours, where 24 hours later it is the day after the next.
        ("America/Los_Angeles", "2026-03-08T07:30", "2026-03-09T06:30"),
        # 00:30 on a day of 25 hours, where 24 hours later it is still the same day.
        ("America/Los_Angeles", "2026-11-01T07:30", "2026-11-02T08:30"),
        ("Pacific/Auckland", "2026-09-26T11:30", "2026-09-27T10:30"),
        ("Asia/Kolkata", "2026-12-30T18:29", "2026-12-31T18:29"),
        # 02:30 does not exist on the next day; 03:30 is the same instant.
        ("America/Los_Angeles", "2026-03-07T10:30", "2026-03-08T10:30"),
    ],
)
def test_a_day_later_is_the_next_day_at_the_same_time(zone: str, at: str, later: str) -> None:
    instant, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, later))
    assert days_later(instant, 1, ZoneInfo(zone)) == expected
    assert day_of(expected, ZoneInfo(zone)) - day_of(instant, ZoneInfo(zone)) == timedelta(days=1)


@pytest.mark.parametrize("name", ["Europe/Berlin", "US/Eastern", "Asia/Calcutta", "UTC"])
def test_zones_are_found_by_their_names_also_by_old_ones(name: str) -> None:
    assert time_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    ["", "Eastern Standard Time", "+02:00", "America", "../etc/passwd", "/etc/passwd", "a" * 300, "\0", "\ud83d"],
)
def test_any_other_name_is_no_zone(name: str) -> None:
    """Names of Windows, of directories, of files elsewhere, and text that no file can have as its name."""
    assert time_zone(name) is None
