"""Where a deal is."""

from typing import Self

import strawberry

from resolvers.whereabouts import WhereaboutsRow
from schema.deal import Deal


@strawberry.type(description="Where a deal is.")
class Whereabouts:
    words: str = strawberry.field(description="One or two sentences for a person.")
    deal: Deal | None = strawberry.field(description="Null if the sync has not seen the deal.")
    position: int | None = strawberry.field(
        description="In the queue, 1 for the next deal; 1,001 for any behind 1,000."
    )

    @classmethod
    def from_row(cls, row: WhereaboutsRow) -> Self:
        deal = None if row.deal is None else Deal.from_row(row.deal)
        return cls(words=row.words, deal=deal, position=row.position)
