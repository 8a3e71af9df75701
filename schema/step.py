"""One stage of one run."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry.scalars import JSON

from resolvers.rows import StepDetail, StepRow
from schema.described import described
from schema.enums import StepStatus
from schema.info import Info


@strawberry.type(description="The error of the last attempt.")
class StepError:
    type: str
    message: str

    @classmethod
    def from_row(cls, row: StepDetail) -> Self | None:
        if row.error_type is None and row.error_message is None:
            return None
        return cls(type=row.error_type or "Error", message=row.error_message or "")


@strawberry.type(description="One stage of one run.")
class Step:
    row: strawberry.Private[StepRow]
    stage: str
    label: str
    status: StepStatus
    started_at: datetime | None = strawberry.field(description="Null if it has not begun, or was carried over.")
    ended_at: datetime | None = strawberry.field(description="Null if it has not ended, or was carried over.")
    attempts: int = strawberry.field(
        description="How often this run started the stage; 0 if it has not begun, or was carried over."
    )
    is_carried_over: bool = strawberry.field(
        description="An earlier run has finished the stage; this run has taken over its output, and none of its time."
    )
    carried_over_from: int | None = strawberry.field(
        description="Of a stage that was carried over: the number of the run that ran it, if it is known."
    )

    @described("The output of the stage, as stored.")
    async def output(self, info: Info) -> JSON | None:
        detail = await info.context.loaders.detail(self.row)
        return None if detail is None or detail.output is None else JSON(detail.output)

    @strawberry.field
    async def error(self, info: Info) -> StepError | None:
        detail = await info.context.loaders.detail(self.row)
        return None if detail is None else StepError.from_row(detail)

    @classmethod
    def from_row(cls, row: StepRow) -> Self:
        return cls(
            row=row,
            stage=row.stage,
            label=row.label,
            status=row.status,
            started_at=row.started_at,
            ended_at=row.ended_at,
            attempts=row.attempts,
            is_carried_over=row.is_carried_over,
            carried_over_from=row.carried_from,
        )
