"""A deal. Its progress is read by the loader of states, everything else comes from its own row."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry

from resolvers.rows import DealRow
from schema.described import described
from schema.enums import RunReason, RunStatus, StateWord
from schema.info import Info
from schema.run import Run
from schema.step import Step


@strawberry.type(description="A HubSpot deal and how far the pipeline has taken it.")
class Deal:
    key: strawberry.Private[int]
    id: strawberry.ID
    hubspot_deal_id: strawberry.ID
    name: str | None = strawberry.field(description="The name in HubSpot; null if it has none.")
    amount: Decimal | None = strawberry.field(description="In the deal's own currency.")
    currency: str | None = strawberry.field(description="ISO 4217 code.")
    hubspot_pipeline: str | None
    hubspot_stage: str | None
    hubspot_stage_label: str | None = strawberry.field(
        description="The stage's name in HubSpot; its key if the name is unknown."
    )
    owner_name: str | None
    close_date: datetime | None

    @strawberry.field
    async def status(self, info: Info) -> RunStatus:
        return (await info.context.loaders.states.load(self.key)).status

    @described("The reason for the status, where the status alone does not explain it.")
    async def reason(self, info: Info) -> RunReason | None:
        return (await info.context.loaders.states.load(self.key)).reason

    @described("The status, with late, stuck and held deals distinguished.")
    async def state(self, info: Info) -> StateWord:
        return (await info.context.loaders.states.load(self.key)).word

    @described("Of a RETRYING deal: the number of the next attempt at its stage.")
    async def next_attempt(self, info: Info) -> int | None:
        return (await info.context.loaders.states.load(self.key)).next_attempt

    @described("Of a RETRYING deal that HubSpot has refused: what a person must grant there. It then continues.")
    async def waits_for(self, info: Info) -> str | None:
        return (await info.context.loaders.states.load(self.key)).waits_for

    @described("The pipeline stage that is running, or ran last.")
    async def current_stage(self, info: Info) -> str | None:
        return (await info.context.loaders.states.load(self.key)).current_stage

    created_at: datetime
    updated_at: datetime = strawberry.field(description="When something that the queue shows last changed.")

    @described("The steps of the latest run, one per stage; a stage that has not begun is PENDING.")
    async def steps(self, info: Info) -> list[Step]:
        return [Step.from_row(step) for step in (await info.context.loaders.states.load(self.key)).steps]

    @described("Every run, latest first.")
    async def runs(self, info: Info) -> list[Run]:
        return [Run.from_row(run) for run in await info.context.loaders.runs(self.key)]

    @classmethod
    def from_row(cls, row: DealRow) -> Self:
        return cls(
            key=row.id,
            id=strawberry.ID(str(row.id)),
            hubspot_deal_id=strawberry.ID(row.hubspot_deal_id),
            name=row.name,
            amount=row.amount,
            currency=row.currency,
            hubspot_pipeline=row.hubspot_pipeline,
            hubspot_stage=row.hubspot_stage,
            hubspot_stage_label=row.hubspot_stage_label,
            owner_name=row.owner_name,
            close_date=row.close_date,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
