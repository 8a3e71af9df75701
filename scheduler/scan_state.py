"""How far the sync has read HubSpot: the watermark, and the scan that is under way."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

SOURCE = "hubspot.deals"
# HubSpot answers 500 to a search from the epoch itself; a second later it works.
FIRST_FLOOR = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over all deals modified since `floor`, by ascending id. A killed one goes on behind `last_id`."""

    floor: datetime
    # HubSpot's clock at the first answer; None before it.
    started_at: datetime | None = None
    last_id: int = 0


_LOAD = text("SELECT watermark, scan_floor, scan_started_at, scan_last_id FROM sync_state WHERE source = :source")

_SAVE = text("""
INSERT INTO sync_state AS s (source, scan_floor, scan_started_at, scan_last_id)
VALUES (:source, :floor, :started_at, :last_id)
ON CONFLICT (source) DO UPDATE SET scan_floor = excluded.scan_floor,
    scan_started_at = excluded.scan_started_at, scan_last_id = excluded.scan_last_id
""")

_FINISH = text("""
INSERT INTO sync_state AS s (source, watermark) VALUES (:source, :watermark)
ON CONFLICT (source) DO UPDATE SET watermark = greatest(s.watermark, excluded.watermark),
    scan_floor = NULL, scan_started_at = NULL, scan_last_id = 0
""")


async def load_scan(database: Database) -> Scan:
    """The scan to go on with, or a new one from the watermark."""
    rows = await database.run(_LOAD, {"source": SOURCE})
    if not rows:
        return Scan(floor=FIRST_FLOOR)
    state = rows[0]
    if state.scan_floor is not None:
        return Scan(floor=state.scan_floor, started_at=state.scan_started_at, last_id=state.scan_last_id)
    return Scan(floor=state.watermark or FIRST_FLOOR)


async def save_scan(session: AsyncSession, scan: Scan) -> None:
    """Note how far the scan is, in the transaction that stores the page."""
    parameters = {"floor": scan.floor, "started_at": scan.started_at, "last_id": scan.last_id}
    await session.execute(_SAVE, {"source": SOURCE, **parameters})


async def finish_scan(database: Database, watermark: datetime) -> None:
    await database.run(_FINISH, {"source": SOURCE, "watermark": watermark})


def watermark_after(scan: Scan, overlap: timedelta) -> datetime:
    """From where the next scan looks: HubSpot's time at this scan's start, less what its index may show late.

    Never the latest modification seen: a deal that is indexed later than one with a later time would be lost.
    """
    if scan.started_at is None:
        raise ValueError("The scan has not begun")
    return max(scan.started_at - overlap, FIRST_FLOOR)
