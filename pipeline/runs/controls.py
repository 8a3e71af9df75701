"""What people ask of the other processes: rows of `controls` that those read. A request, or the pause of the queue."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database

PAUSE = "pause"
# True for a row that was asked for and not yet taken; while that of the pause is so, nothing is claimed.
IS_OPEN = "requested_at > coalesce(taken_at, '-infinity')"
PAUSED = f"SELECT FROM controls WHERE name = '{PAUSE}' AND {IS_OPEN}"

_ASK = text("""
INSERT INTO controls AS c (name, requested_by) VALUES (:name, :requested_by)
ON CONFLICT (name) DO UPDATE SET requested_at = clock_timestamp(), requested_by = excluded.requested_by
""")

_IS_PAUSED = text(f"SELECT EXISTS ({PAUSED}) AS paused")


async def ask(session: AsyncSession, name: str, requested_by: str | None) -> None:
    """Ask for something; the leading scheduler looks every two seconds."""
    await session.execute(_ASK, {"name": name, "requested_by": requested_by})


async def is_paused(database: Database) -> bool:
    return bool((await database.run(_IS_PAUSED))[0].paused)
