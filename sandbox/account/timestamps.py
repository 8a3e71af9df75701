"""HubSpot's timestamps: milliseconds since 1970 (UTC) in memory, ISO 8601 text in properties and answers."""

import re
from datetime import UTC, date, datetime, timedelta

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The years 1 to 9999, which `iso` can format.
EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
_MILLISECONDS = re.compile(r"-?[0-9]{1,18}")


def milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def iso(ms: int) -> str:
    """The text form that HubSpot uses.

    >>> iso(1_700_000_000_007)
    '2023-11-14T22:13:20.007Z'
    """
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")[:23] + "Z"


def parse_timestamp(text: str) -> int | None:
    """Milliseconds since 1970 from epoch milliseconds, a date or an ISO 8601 instant; None for any other text.

    Source of the accepted forms: developers.hubspot.com, guides "Search the CRM" and "Properties".
    """
    ms = int(text) if _MILLISECONDS.fullmatch(text) else _parse_iso(text)
    return ms if ms is not None and EARLIEST_MS <= ms <= LATEST_MS else None


def _parse_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def start_of_day(moment: datetime) -> datetime:
    return datetime.combine(date(moment.year, moment.month, moment.day), datetime.min.time(), UTC)
