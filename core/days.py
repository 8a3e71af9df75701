"""Calendar days in a time zone: the day that an instant belongs to, and the instant at which a day begins."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo


def time_zone(name: str) -> tzinfo | None:
    """The zone of that name in the tz database, old names included; None when it has no such zone.

    >>> time_zone("Europe/London"), time_zone("GMT Standard Time")
    (zoneinfo.ZoneInfo(key='Europe/London'), None)
    """
    try:
        return ZoneInfo(name)
    # KeyError: no such zone; ValueError: no possible name; OSError: the name of a directory, or too long a name.
    except (KeyError, ValueError, OSError):
        return None


def day_of(instant: datetime, zone: tzinfo) -> date:
    """The day that the calendar shows in the zone at that instant.

    >>> day_of(datetime(2026, 12, 31, 11, 0, tzinfo=UTC), ZoneInfo("Pacific/Auckland"))
    datetime.date(2027, 1, 1)
    """
    try:
        return instant.astimezone(zone).date()
    # There it is before the year 1 or after the year 9999.
    except OverflowError:
        return instant.astimezone(UTC).date()


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """The first instant, in UTC, of that day; of the next one where the zone skipped that day.

    That is not always midnight: where clocks go forward at midnight, the day begins at one o'clock.

    >>> start_of_day(date(2026, 11, 1), ZoneInfo("America/Los_Angeles")).isoformat()
    '2026-11-01T07:00:00+00:00'
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_later(instant: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of day, in the zone, that many days later: 24 hours each, but where clocks change in between.

    >>> days_later(datetime(2026, 11, 1, 7, 30, tzinfo=UTC), 1, ZoneInfo("America/Los_Angeles")).isoformat()
    '2026-11-02T08:30:00+00:00'
    """
    return (instant.astimezone(zone) + timedelta(days=days)).astimezone(UTC)


def in_days(count: int) -> str:
    """
    >>> in_days(1), in_days(2)
    ('1 day', '2 days')
    """
    return f"{count} {'day' if count == 1 else 'days'}"
