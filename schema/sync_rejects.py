"""The records of HubSpot that cannot be read."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.rows import SyncRejectRow


@strawberry.type(description="A record of HubSpot that cannot be read.")
class SyncReject:
    id: strawberry.ID = strawberry.field(description="HubSpot's id of the record, or a digest of one that has none.")
    error: str = strawberry.field(description="Why, in words, with the property and how its value begins.")
    first_seen_at: datetime
    last_seen_at: datetime

    @classmethod
    def from_row(cls, row: SyncRejectRow) -> Self:
        return cls(
            id=strawberry.ID(row.record_key),
            error=row.error,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )


@strawberry.type(description="Records that cannot be read, last seen first.")
class SyncRejectList:
    items: list[SyncReject]

    @classmethod
    def from_rows(cls, rows: list[SyncRejectRow]) -> Self:
        return cls(items=[SyncReject.from_row(row) for row in rows])
