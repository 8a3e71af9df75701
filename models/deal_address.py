"""What names a deal: our id, HubSpot's id, or the address of its page in HubSpot. The one parser and the one lookup.

| text | names |
| --- | --- |
| `123` | the deal whose id is 123, here or in HubSpot; ambiguous when these are two deals |
| `deal:123` | the deal whose id is 123 here |
| `hubspot:123`, `https://app.hubspot.com/contacts/1/record/0-3/123` | the deal whose id is 123 in HubSpot |
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, Row, Text, bindparam, or_, select

from core.errors import DealQueueError
from models.deals import Deal

# Of the database's ids; that of a deal has 18 digits at most.
LARGEST_ID = 2**63 - 1

_ID = re.compile(r"(?:(deal|hubspot):)?([1-9][0-9]{0,17})", re.ASCII)
# https://app-eu1.hubspot.com/contacts/123/record/0-3/456/view/1, .../contacts/123/deal/456, .../deals/123/deal/456
_PAGE = re.compile(r"/(?:deal|record/0-3)/([1-9][0-9]{0,17})(?:/|$)", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LONGEST_SHOWN = 60

_deals = Deal.__table__
# At most two rows. A reader that shows more of the deal chooses other columns, with these two among them.
FIND_DEALS = select(_deals.c.id, _deals.c.hubspot_deal_id).where(
    or_(
        _deals.c.id == bindparam("own_id", type_=BigInteger),
        _deals.c.hubspot_deal_id == bindparam("hubspot_deal_id", type_=Text),
    )
)


class InvalidDealAddress(DealQueueError):
    """The text names no deal."""


class AmbiguousDealAddress(DealQueueError):
    """The number is one deal's id here and another deal's in HubSpot."""


@dataclass(frozen=True, slots=True)
class DealAddress:
    """A plain number has both ids; the other forms have the one that they name."""

    own_id: int | None
    hubspot_deal_id: str | None

    @classmethod
    def parse(cls, given: str) -> "DealAddress":
        """InvalidDealAddress."""
        stripped = given.strip()
        if found := _ID.fullmatch(stripped):
            prefix, number = found.groups()
            return cls(None if prefix == "hubspot" else int(number), None if prefix == "deal" else number)
        if number := _number_of_page(stripped):
            return cls(None, number)
        shown = stripped if len(stripped) <= _LONGEST_SHOWN else f"{stripped[:_LONGEST_SHOWN]}..."
        raise InvalidDealAddress(
            f'"{shown}" names no deal. Give its id here, its id in HubSpot, or the address of its page in HubSpot.'
        )

    def parameters(self) -> dict[str, object]:
        """The values of FIND_DEALS."""
        return {"own_id": self.own_id, "hubspot_deal_id": self.hubspot_deal_id}

    def only(self, found: Sequence[Row[Any]]) -> Row[Any] | None:
        """The row that FIND_DEALS has found; None when there is none; AmbiguousDealAddress when there are two."""
        if len(found) < 2:
            return found[0] if found else None
        here, in_hubspot = sorted(found, key=lambda row: bool(row.hubspot_deal_id == self.hubspot_deal_id))
        raise AmbiguousDealAddress(
            f"{self.own_id} is the id of one deal here ({here.hubspot_deal_id} in HubSpot) and of another in HubSpot, "
            f"which is {in_hubspot.id} here. Write deal:{here.id} for the first, hubspot:{self.own_id} for the second."
        )


def _number_of_page(given: str) -> str | None:
    try:
        address = urlsplit(given if _SCHEME.match(given) else f"//{given}")
    except ValueError:
        return None
    # With the dot: another owner's domain may end in the same letters, evilhubspot.com for example.
    if not f".{address.hostname or ''}".endswith(".hubspot.com"):
        return None
    found = _PAGE.search(address.path)
    return found[1] if found else None
