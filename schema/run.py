"""One pass of a deal through the stages."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.rows import RunRow
from schema.enums import RunReason, RunStatus, RunTrigger
from schema.step import Step


@strawberry.type(description="One pass of a deal through the stages.")
class Run:
    id: strawberry.ID
    number: int
    trigger: RunTrigger
    status: RunStatus
    reason: RunReason | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_attempt_at: datetime | None = strawberry.field(
        description="When a RETRYING run is tried again, at the latest."
    )
    waits_for: str | None = strawberry.field(
        description="Of a RETRYING run that HubSpot has refused: what a person must grant there. It then continues."
    )
    steps: list[Step]

    @classmethod
    def from_row(cls, row: RunRow) -> Self:
        return cls(
            id=strawberry.ID(str(row.id)),
            number=row.number,
            trigger=row.trigger,
            status=row.status,
            reason=row.reason,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            next_attempt_at=row.next_attempt_at,
            waits_for=row.waits_for,
            steps=[Step.from_row(step) for step in row.steps],
        )
