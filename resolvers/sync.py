"""How the sync with HubSpot is doing, from its last rows."""

from sqlalchemy import select

from core.database import Database
from models import SyncOutcome, SyncRun
from resolvers.rows import SyncStatusRow

sync_runs = SyncRun.__table__

_LATEST_FIRST = select(sync_runs.c.outcome, sync_runs.c.ended_at, sync_runs.c.error).order_by(
    sync_runs.c.started_at.desc()
)
_DONE = _LATEST_FIRST.where(sync_runs.c.outcome == SyncOutcome.DONE).limit(1).subquery()
_ENDED = _LATEST_FIRST.where(sync_runs.c.ended_at.is_not(None)).limit(1).subquery()
_STATUS = select(
    select(_DONE.c.ended_at).scalar_subquery(),
    select(_ENDED.c.error).where(_ENDED.c.outcome == SyncOutcome.FAILED).scalar_subquery(),
)


async def sync_status(database: Database) -> SyncStatusRow:
    """The end of the last sync that succeeded, and the error of the newest ended one if it failed."""
    return SyncStatusRow._make((await database.run(_STATUS))[0])
