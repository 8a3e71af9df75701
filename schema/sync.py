"""How the sync with HubSpot is doing."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.rows import SyncStatusRow


@strawberry.type(description="How the sync with HubSpot is doing.")
class SyncStatus:
    last_sync_at: datetime | None = strawberry.field(description="The end of the last sync that succeeded.")
    last_error: str | None = strawberry.field(description="In words; null when the last sync succeeded.")
    interval_seconds: int

    @classmethod
    def from_row(cls, row: SyncStatusRow, *, interval_seconds: int) -> Self:
        return cls(last_sync_at=row.last_sync_at, last_error=row.last_error, interval_seconds=interval_seconds)
