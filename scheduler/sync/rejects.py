"""Keeps the records that could not be read, so that nothing that HubSpot has sent is lost."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from crm.json_body import without_nul
from scheduler.sync.record_reader import RejectedRecord

# As many as two batch reads return; if there are more, each sync retries a random selection.
RETRIED_AT_ONCE = 200

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
    """Of all rejects: HubSpot's id or, for a record without one, the hash of its body."""
    return [row.record_key for row in await database.run(_KEYS)]


async def forget_rejects(session: AsyncSession, keys: Iterable[str]) -> int:
    """Delete the rejects that could now be read, or no longer exist in HubSpot; how many."""
    listed = list(keys)
    return len((await session.execute(_FORGET, {"keys": listed})).all()) if listed else 0


async def store_rejects(session: AsyncSession, rejects: Sequence[RejectedRecord]) -> int:
    """Insert or update them; how many are new or have changed."""
    if not rejects:
        return 0
    unique = {reject.key: reject for reject in rejects}
    parameters = {
        "keys": list(unique),
        "bodies": [without_nul(reject.body) for reject in unique.values()],
        "errors": [reject.error for reject in unique.values()],
    }
    return len((await session.execute(_STORE, parameters)).all())
