"""Records as values: each write makes a new one, so that whoever holds an older one sees it unchanged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The instants of the years 1 to 9999, which `iso` can write.
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
_MILLISECONDS = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Version:
    """One former or present value of a property."""

    value: str
    at_ms: int
    source: str


History = Mapping[str, tuple[Version, ...]]


@dataclass(frozen=True, slots=True)
class Record:
    """`properties` holds only what is set. Times are milliseconds since 1970, UTC. `history` is newest first.

    `merged_into` is the id of the record that it has become part of.
    """

    id: int
    properties: Mapping[str, str]
    created_ms: int
    modified_ms: int
    history: History
    archived_ms: int | None = None
    merged_into: int | None = None
    purged: bool = False

    @property
    def is_gone(self) -> bool:
        """Neither live nor in the recycle bin: merged away, or deleted for good."""
        return self.purged or self.merged_into is not None

    @property
    def is_live(self) -> bool:
        return self.archived_ms is None and not self.is_gone

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """A value needs no copy; a snapshot of 100,000 of them takes no time."""
        return self

    def get(self, name: str) -> str | None:
        return self.properties.get(name)


def milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def iso(ms: int) -> str:
    """As HubSpot writes instants.

    >>> iso(1_700_000_000_007)
    '2023-11-14T22:13:20.007Z'
    """
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")[:23] + "Z"


def parse_instant(text: str) -> int | None:
    """Milliseconds since 1970 out of epoch milliseconds, a date or an ISO 8601 instant; None for anything else.

    Source of the accepted forms: developers.hubspot.com, guides "Search the CRM" and "Properties".
    """
    ms = int(text) if _MILLISECONDS.fullmatch(text) else _from_iso(text)
    return ms if ms is not None and FIRST_MS <= ms <= LAST_MS else None


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def start_of_day(moment: datetime) -> datetime:
    return datetime.combine(date(moment.year, moment.month, moment.day), datetime.min.time(), UTC)
