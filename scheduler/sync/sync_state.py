"""How far the sync has read HubSpot. Every time in it is by HubSpot's own clock, never derived from a deal."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

SOURCE = "hubspot.deals"
# HubSpot answers 500 to a search from the epoch itself; a second later it works.
FIRST_FLOOR = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SyncStateRow:
    """The columns of sync_state: see models/sync_state.py."""

    first_contact_at: datetime
    watermark: datetime
    tail_from: datetime
    backfilled_at: datetime | None
    reconciled_at: datetime | None


_LOAD = text("""
SELECT first_contact_at, watermark, tail_from, backfilled_at, reconciled_at FROM sync_state WHERE source = :source
""")

_CREATE = text("""
INSERT INTO sync_state (source, first_contact_at, watermark, tail_from)
VALUES (:source, :contact, :watermark, :contact) ON CONFLICT (source) DO NOTHING
""")

_ADVANCE = {
    column: text(
        f"UPDATE sync_state SET {column} = greatest({column}, :moment) WHERE source = :source"  # noqa: S608
    )
    for column in ("watermark", "tail_from", "backfilled_at", "archive_read_at", "reconciled_at")
}

_FORGET_BACKFILL = text("UPDATE sync_state SET backfilled_at = NULL")


async def load_state(database: Database) -> SyncStateRow | None:
    """None before the first contact with the account."""
    async with database.read() as session:
        rows = (await session.execute(_LOAD, {"source": SOURCE})).mappings().all()
    return SyncStateRow(**rows[0]) if rows else None


async def create_state(session: AsyncSession, contact: datetime, settle: timedelta) -> None:
    """At the first contact, by HubSpot's clock; the watermark is set before the start of the coming backfill."""
    watermark = max(contact - settle, FIRST_FLOOR)
    await session.execute(_CREATE, {"source": SOURCE, "contact": contact, "watermark": watermark})


async def advance(session: AsyncSession, column: str, moment: datetime) -> None:
    """Move one of the times forward; an earlier `moment` changes nothing."""
    await session.execute(_ADVANCE[column], {"source": SOURCE, "moment": max(moment, FIRST_FLOOR)})


async def forget_backfill(session: AsyncSession) -> None:
    """The next backfill reads all deals again."""
    await session.execute(_FORGET_BACKFILL)
