"""How the sync with HubSpot is doing."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.rows import SyncStatusRow


@strawberry.type(description="How the sync with HubSpot is doing.")
class SyncStatus:
    last_sync_at: datetime | None = strawberry.field(description="The end of the last sync that succeeded.")
    last_error: str | None = strawberry.field(description="In words; null when the last sync of each kind succeeded.")
    next_sync_at: datetime | None = strawberry.field(description="When the next sync is due.")
    lag_seconds: float | None = strawberry.field(description="How far back a change may lie that is not here yet.")
    backlog: int | None = strawberry.field(description="Deals that the sync under way has found to read.")
    backfilled: bool = strawberry.field(description="Whether every deal of the account has been read once.")
    held_deals: int = strawberry.field(description="New deals that wait for approval, because too many came at once.")
    rejected_records: int = strawberry.field(description="Records of HubSpot that could not be read so far.")
    calls_left_today: int | None = strawberry.field(description="Calls that HubSpot allows the account until midnight.")
    interval_seconds: int

    @classmethod
    def from_row(cls, row: SyncStatusRow, *, interval_seconds: int) -> Self:
        return cls(
            last_sync_at=row.last_sync_at,
            last_error=row.last_error,
            next_sync_at=row.next_sync_at,
            lag_seconds=row.lag_seconds,
            backlog=row.backlog,
            backfilled=bool(row.backfilled),
            held_deals=row.held_deals,
            rejected_records=row.rejected_records,
            calls_left_today=row.calls_left_today,
            interval_seconds=interval_seconds,
        )
