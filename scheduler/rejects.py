"""Keeps the records that could not be read, so that nothing HubSpot has sent is lost."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from scheduler.records import Reject

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
