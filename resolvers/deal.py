"""One deal by its id."""

import re

from sqlalchemy import bindparam, select

from core.database import Database
from resolvers.errors import BadInput
from resolvers.queue import DEAL_COLUMNS, deals
from resolvers.rows import DealRow

_DEAL = select(*DEAL_COLUMNS).where(deals.c.id == bindparam("deal_id"))
_ID = re.compile(r"[1-9][0-9]{0,18}")
_MAX_ID = 2**63 - 1


async def find_deal(database: Database, deal_id: str) -> DealRow | None:
    """The deal, archived and merged ones included; None if there is none. BadInput for a text that cannot be an id."""
    if not _ID.fullmatch(deal_id) or int(deal_id) > _MAX_ID:
        raise BadInput("`id` is not the id of a deal: ids are whole numbers, such as those that `dealQueue` returns.")
    rows = await database.run(_DEAL, {"deal_id": int(deal_id)})
    return DealRow._make(rows[0]) if rows else None
