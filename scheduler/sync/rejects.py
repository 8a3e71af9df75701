"""Keeps the records that could not be read, so that nothing HubSpot has sent is lost."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from scheduler.sync.record_reader import Reject

# As many as two batch reads ask for; of more, other ones each time.
RETRIED_AT_ONCE = 200

# \\u0000 is valid JSON and no valid jsonb; everything else is kept as it came.
_NUL = "\\u0000"

_STORE = text("""
INSERT INTO sync_rejects AS r (record_key, body, error)
SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:bodies AS jsonb[]), CAST(:errors AS text[]))
ON CONFLICT (record_key) DO UPDATE
SET body = excluded.body, error = excluded.error, last_seen_at = clock_timestamp()
WHERE (r.body, r.error) IS DISTINCT FROM (excluded.body, excluded.error)
RETURNING record_key
""")

_FORGET = text("DELETE FROM sync_rejects WHERE record_key = ANY(CAST(:keys AS text[])) RETURNING record_key")

_KEYS = text("SELECT record_key FROM sync_rejects ORDER BY random()")


async def reject_keys(database: Database) -> list[str]:
    """Of all records that are kept: HubSpot's id or, for a record without one, the hash of its body."""
    return [row.record_key for row in await database.run(_KEYS)]


async def forget_rejects(session: AsyncSession, keys: Iterable[str]) -> int:
    """Take off the list what could be read at last, or is gone; how many."""
    listed = list(keys)
    return len((await session.execute(_FORGET, {"keys": listed})).all()) if listed else 0


async def store_rejects(session: AsyncSession, rejects: Sequence[Reject]) -> int:
    """How many are new or have changed."""
    if not rejects:
        return 0
    unique = {reject.key: reject for reject in rejects}
    parameters = {
        "keys": list(unique),
        "bodies": [reject.body.replace(_NUL, "") for reject in unique.values()],
        "errors": [reject.error for reject in unique.values()],
    }
    return len((await session.execute(_STORE, parameters)).all())
