"""Requests of people to other processes, as rows of `controls`: a sync, for example, or the pause of the queue."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models.conditions import IS_PAUSED

_REQUEST = text("""
INSERT INTO controls AS c (name, requested_by) VALUES (:name, :requested_by)
ON CONFLICT (name) DO UPDATE SET requested_at = clock_timestamp(), requested_by = excluded.requested_by,
    results = NULL
""")

_IS_PAUSED = text(f"SELECT {IS_PAUSED} AS paused")


async def request_control(session: AsyncSession, name: str, requested_by: str | None) -> None:
    """Open the control of this name; the leading scheduler checks for requests every two seconds."""
    await session.execute(_REQUEST, {"name": name, "requested_by": requested_by})


async def is_paused(database: Database) -> bool:
    return bool((await database.run(_IS_PAUSED))[0].paused)
