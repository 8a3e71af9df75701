"""When something last happened on the deal, apart from the notes and tasks that we ourselves have written.

HubSpot shows one time, that of the last activity, and a note of ours moves it: a stalled deal would look alive. The
times of our notes and tasks are stored with the deal, and so is the last activity before them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from core.database import Database
from core.direct import Statement
from models.conditions import OWN_ACTIVITY_SECONDS

OWN = timedelta(seconds=OWN_ACTIVITY_SECONDS)

_KNOWN = Statement("SELECT activity_at, own_activity FROM deals WHERE id = :deal_id")


class LastActivity(NamedTuple):
    """`at` is None when nothing happened yet but what we have written; `is_ours`: HubSpot shows a later one, ours."""

    at: datetime | None
    is_ours: bool


async def last_activity(database: Database, deal_id: int, shown: datetime | None) -> LastActivity:
    """`shown` is what HubSpot says."""
    if shown is None:
        return LastActivity(None, is_ours=False)
    (known,) = await database.fetch(_KNOWN, {"deal_id": deal_id})
    if not is_own(shown, known["own_activity"]):
        return LastActivity(shown, is_ours=False)
    return LastActivity(known["activity_at"], is_ours=True)


def is_own(moment: datetime, own: Sequence[datetime]) -> bool:
    """Whether the activity at that moment is one of ours, which HubSpot may time a little differently."""
    return any(abs(moment - at) <= OWN for at in own)
