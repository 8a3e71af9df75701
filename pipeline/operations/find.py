"""Which deal is meant: by our id, by HubSpot's, or by the address of its page in HubSpot."""

import re

from sqlalchemy import text

from core.database import Database
from pipeline.operations.errors import AmbiguousDeal, NotFound

# https://app.hubspot.com/contacts/123/record/0-3/456 and, as it was formerly, .../contacts/123/deal/456.
_PAGE = re.compile(
    r"(?:https?://)?(?:[\w-]+\.)*hubspot\.com/(?:[^?#]*/)?(?:record/0-3|deal)/(\d{1,30})(?:[/?#]|$)", re.IGNORECASE
)
# Of the database's ids.
LARGEST_ID = 2**63 - 1

_FIND = text("""
SELECT id, hubspot_deal_id = :reference AS is_hubspots FROM deals
WHERE hubspot_deal_id = :reference OR id = CAST(:number AS bigint)
""")
_DEAL_OF_RUN = text("SELECT deal_id FROM pipeline_runs WHERE id = :run_id")


async def find_deal(database: Database, reference: str) -> int:
    """The id of the deal; NotFound, or AmbiguousDeal when a number means two."""
    page = _PAGE.match(reference.strip())
    wanted = page[1] if page else reference.strip()
    number = int(wanted) if wanted.isdecimal() and page is None else -1
    rows = await database.run(_FIND, {"reference": wanted, "number": number if number <= LARGEST_ID else -1})
    if not rows:
        raise NotFound(f"No deal has the id {wanted}, here or in HubSpot. The sync may not have seen it yet.")
    if len(rows) > 1:
        ours = next(row.id for row in rows if row.is_hubspots)
        raise AmbiguousDeal(f"{wanted} is the id of one deal here and of another in HubSpot, which is {ours} here.")
    return int(rows[0].id)


async def deal_of_run(database: Database, run_id: int) -> int:
    """The id of the deal whose run this is; NotFound."""
    rows = await database.run(_DEAL_OF_RUN, {"run_id": run_id})
    if not rows:
        raise NotFound(f"There is no run {run_id}.")
    return int(rows[0].deal_id)
