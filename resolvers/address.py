"""What people call a deal by: our id, HubSpot's id, or the address of its page in HubSpot."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from resolvers.errors import BadInput

# https://app-eu1.hubspot.com/contacts/123/record/0-3/456/view/1, .../contacts/123/deal/456, .../deals/123/deal/456
_PAGE = re.compile(r"/(?:deal|record/0-3)/([1-9][0-9]{0,17})(?:/|$)", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Address(NamedTuple):
    """`own_id` is None where only HubSpot's can be meant."""

    hubspot_deal_id: str
    own_id: int | None


def read_address(text: str) -> Address:
    """BadInput for what is neither an id nor the address of a deal's page."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return Address(stripped, int(stripped))
    if found := _page(stripped):
        return Address(found, None)
    shown = stripped if len(stripped) <= 60 else f"{stripped[:60]}..."
    raise BadInput(
        f'"{shown}" names no deal. Give its id here, its id in HubSpot, or the address of its page in HubSpot.'
    )


def _page(text: str) -> str | None:
    try:
        address = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return None
    # The dot before it: anybody may own a domain whose name ends like HubSpot's.
    if not f".{address.hostname or ''}".endswith(".hubspot.com"):
        return None
    found = _PAGE.search(address.path)
    return found[1] if found else None
