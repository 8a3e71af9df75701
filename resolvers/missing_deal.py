"""Why a deal is not stored: what the sync knows about it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from core.database import Database

# By the index of the kinds: the newest rows are read until one is DONE. Tails run one at a time.
LAST_SYNC_AT = "SELECT ended_at FROM sync_runs WHERE kind = 'TAIL' AND outcome = 'DONE' ORDER BY id DESC LIMIT 1"

_MISSING = text(f"""
SELECT ({LAST_SYNC_AT}) AS last_sync_at,
       (SELECT backfilled_at IS NOT NULL FROM sync_state) AS backfilled,
       (SELECT error FROM sync_rejects WHERE record_key = :hubspot_deal_id) AS reject_error
""")  # noqa: S608 - a constant of ours


class MissingDeal(NamedTuple):
    """`reject_error` is set if HubSpot's record of the deal could not be read."""

    last_sync_at: datetime | None
    backfilled: bool | None
    reject_error: str | None


async def missing_deal(database: Database, hubspot_deal_id: str) -> MissingDeal:
    rows = await database.run(_MISSING, {"hubspot_deal_id": hubspot_deal_id})
    return MissingDeal._make(rows[0])
