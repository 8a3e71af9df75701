"""One page of the queue."""

from typing import Self

import strawberry

from resolvers.rows import QueuePage
from schema.deal import Deal
from schema.scalars import Cursor


@strawberry.type(description="One page of the queue, most recently changed first.")
class DealQueue:
    items: list[Deal]
    next_before: Cursor | None = strawberry.field(description="Null at the end of the queue.")

    @classmethod
    def from_row(cls, page: QueuePage) -> Self:
        return cls(
            items=[Deal.from_row(deal) for deal in page.deals],
            next_before=None if page.next_before is None else Cursor(page.next_before),
        )
