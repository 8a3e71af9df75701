"""HubSpot's three forms of a time, all read as milliseconds since 1970 (UTC)."""

from datetime import UTC, datetime

import pytest

from sandbox.account.timestamps import EARLIEST_MS, LATEST_MS, iso, parse_timestamp, start_of_day

MOMENT_MS = 1_801_353_600_000


@pytest.mark.parametrize(
    "text", [str(MOMENT_MS), "2027-01-31", "2027-01-31T00:00:00Z", "2027-01-31T00:00:00", "2027-01-31T02:00:00+02:00"]
)
def test_a_time_is_read_in_each_form(text: str) -> None:
    """Without an offset it is UTC; what HubSpot shows can be read again."""
    assert parse_timestamp(text) == MOMENT_MS
    assert parse_timestamp(iso(MOMENT_MS + 7)) == MOMENT_MS + 7


@pytest.mark.parametrize("text", ["", "tomorrow", "9" * 40, str(LATEST_MS + 1), str(EARLIEST_MS - 1), "2027-02-30"])
def test_what_has_no_text_form_is_no_time(text: str) -> None:
    """Years outside 1 to 9999 could not be shown."""
    assert parse_timestamp(text) is None


def test_the_earliest_and_the_latest_time_can_be_shown() -> None:
    """With four digits of the year."""
    assert (iso(EARLIEST_MS), iso(LATEST_MS)) == ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z")


def test_a_day_starts_at_midnight_utc() -> None:
    """Whatever the time of day."""
    assert start_of_day(datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC)) == datetime(2026, 11, 2, tzinfo=UTC)
