"""The queries."""

import strawberry

from resolvers.deal import find_deal
from resolvers.queue import queue_page
from resolvers.sync import sync_status
from resolvers.sync_rejects import sync_rejects
from resolvers.whereabouts import find_whereabouts
from schema.deal import Deal
from schema.described import described
from schema.info import Info
from schema.pipeline import PipelineStage
from schema.queue import DealQueue
from schema.scalars import Cursor
from schema.sync import SyncStatus
from schema.sync_rejects import SyncRejectList
from schema.whereabouts import Whereabouts


@strawberry.type
class Query:
    @described("The queue, most recently changed first. `limit` is 1 to 200.")
    async def deal_queue(self, info: Info, limit: int = 50, before: Cursor | None = strawberry.UNSET) -> DealQueue:
        before = None if before is strawberry.UNSET else before
        return DealQueue.from_row(await queue_page(info.context.database, limit=limit, before=before))

    @described("One deal; null if no deal has this id.")
    async def deal(self, info: Info, id: strawberry.ID) -> Deal | None:  # noqa: A002 - the argument's name in the contract
        row = await find_deal(info.context.database, id)
        return None if row is None else Deal.from_row(row)

    @described("Where a deal is, in words. `deal` is its id, its HubSpot id, or the URL of its page in HubSpot.")
    async def where_is(self, info: Info, deal: str) -> Whereabouts:
        return Whereabouts.from_row(await find_whereabouts(info.context, deal))

    @described("The stages of a new run.")
    async def pipeline(self, info: Info) -> list[PipelineStage]:
        return [PipelineStage(key=key, label=label) for key, label in info.context.stages]

    @strawberry.field
    async def sync_status(self, info: Info) -> SyncStatus:
        seconds = info.context.sync_interval_seconds
        row = await sync_status(info.context.database, interval_seconds=seconds)
        return SyncStatus.from_row(row, interval_seconds=seconds)

    @described("Records of HubSpot that cannot be read. Each sync tries them again. `limit` is 1 to 200.")
    async def sync_rejects(self, info: Info, limit: int = 50) -> SyncRejectList:
        return SyncRejectList.from_rows(await sync_rejects(info.context.database, limit=limit))
