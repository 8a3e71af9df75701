"""The records of HubSpot that cannot be read."""

from sqlalchemy import bindparam, select

from core.database import Database
from models import SyncReject
from resolvers.errors import BadInput
from resolvers.queue import MAX_LIMIT
from resolvers.rows import SyncRejectRow

_REJECTS = (
    select(SyncReject.record_key, SyncReject.error, SyncReject.first_seen_at, SyncReject.last_seen_at)
    .order_by(SyncReject.last_seen_at.desc(), SyncReject.record_key)
    .limit(bindparam("rows"))
)


async def sync_rejects(database: Database, *, limit: int) -> list[SyncRejectRow]:
    """The `limit` (1 to 200) that were seen last; BadInput for another limit."""
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(f"`limit` is {limit}; it must be between 1 and {MAX_LIMIT}.")
    return [SyncRejectRow._make(row) for row in await database.run(_REJECTS, {"rows": limit})]
