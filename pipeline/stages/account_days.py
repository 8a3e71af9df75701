"""The days of an account: in HubSpot a date property holds a day, and every other time is an instant.

HubSpot shows the day of an instant in the account's time zone, and the day of a date property as it is in every zone.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from core.days import day_of
from crm.catalog import Catalog
from crm.records import parse_instant

_DAY = re.compile(r"\s*\d{4}-\d{2}-\d{2}\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountDays:
    """`date_properties` are the deal's properties of HubSpot's type `date`."""

    zone: tzinfo
    date_properties: frozenset[str] = frozenset()

    def of(self, instant: datetime) -> date:
        return day_of(instant, self.zone)

    def of_value(self, name: str, value: str) -> date:
        """The day of that property's value; ValueError when it is not a date."""
        instant = parse_instant(value)
        is_day = name in self.date_properties or _DAY.fullmatch(value)
        return instant.date() if is_day else self.of(instant)

    def of_value_or_none(self, name: str, value: str | None) -> date | None:
        try:
            return self.of_value(name, value) if value else None
        except ValueError:
            return None


async def load_days(catalog: Catalog) -> AccountDays:
    return AccountDays(await catalog.time_zone(), await catalog.date_properties())
