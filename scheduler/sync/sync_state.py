"""How far the sync has read HubSpot. Every time in it is HubSpot's own clock, never derived from what was read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

SOURCE = "hubspot.deals"
# HubSpot answers 500 to a search from the epoch itself; a second later it works.
FIRST_FLOOR = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class State:
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

_MOVE = {
    name: text(
        f"UPDATE sync_state SET {name} = greatest({name}, :moment) WHERE source = :source"  # noqa: S608
    )
    for name in ("watermark", "tail_from", "backfilled_at", "archive_read_at", "reconciled_at")
}


# The next look at it reads all deals once more.
FORGET_BACKFILL = text("UPDATE sync_state SET backfilled_at = NULL")


async def load_state(database: Database) -> State | None:
    """None before the first contact with the account."""
    async with database.read() as session:
        rows = (await session.execute(_LOAD, {"source": SOURCE})).mappings().all()
    return State(**rows[0]) if rows else None


async def create_state(session: AsyncSession, contact: datetime, settle: timedelta) -> None:
    """At the first contact, by HubSpot's clock: the watermark lies before the backfill that is about to start."""
    watermark = max(contact - settle, FIRST_FLOOR)
    await session.execute(_CREATE, {"source": SOURCE, "contact": contact, "watermark": watermark})


async def move(session: AsyncSession, name: str, moment: datetime) -> None:
    """Move one of the times of the state; never back."""
    await session.execute(_MOVE[name], {"source": SOURCE, "moment": max(moment, FIRST_FLOOR)})
