"""The status of the sync with HubSpot."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.rows import SyncStatusRow


@strawberry.type(description="Runs that wait until a person grants in HubSpot what it refuses.")
class AccessWait:
    waits_for: str = strawberry.field(description="Such as `the scope crm.objects.contacts.read`.")
    runs: int = strawberry.field(description="How many runs wait for it.")


@strawberry.type(description="A process that refuses to start.")
class StoppedProcess:
    process: str = strawberry.field(description="`worker` or `scheduler`.")
    host: str = strawberry.field(description="Where it was started.")
    reason: str = strawberry.field(description="A sentence that says what to change.")


@strawberry.type(description="The status of the sync with HubSpot.")
class SyncStatus:
    last_sync_at: datetime | None = strawberry.field(description="The end of the last sync that succeeded.")
    last_error: str | None = strawberry.field(description="A sentence; null if the last sync of each kind succeeded.")
    next_sync_at: datetime | None = strawberry.field(description="When the next sync is due.")
    lag_seconds: float | None = strawberry.field(
        description="Age of the oldest change that may not have been read yet."
    )
    backlog: int | None = strawberry.field(description="Deals that the running sync has found to read.")
    backfilled: bool = strawberry.field(description="Whether every deal of the account has been read once.")
    held_deals: int = strawberry.field(
        description="Deals that wait for approval, because too many arrived or changed at once."
    )
    rejected_records: int = strawberry.field(description="HubSpot records that could not be read.")
    calls_left_today: int | None = strawberry.field(
        description="API calls that HubSpot still allows this account until midnight."
    )
    interval_seconds: int
    access_waits: list[AccessWait] = strawberry.field(
        description="What HubSpot refuses to the token, and how many runs wait until it is granted."
    )
    stopped_processes: list[StoppedProcess] = strawberry.field(
        description="Processes that refuse to start, until they are up."
    )

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
            access_waits=[AccessWait(waits_for=wait.waits_for, runs=wait.runs) for wait in row.access_waits],
            stopped_processes=[StoppedProcess(**stopped._asdict()) for stopped in row.stopped_processes],
        )
