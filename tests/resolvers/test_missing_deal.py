"""What the sync knows about a deal that is not stored."""

from datetime import timedelta

from sqlalchemy import insert

from core.database import Database
from models import SyncKind, SyncOutcome, metadata
from resolvers.missing_deal import MissingDeal, missing_deal
from tests.factories import MOMENT

_syncs, _rejects = metadata.tables["sync_runs"], metadata.tables["sync_rejects"]


async def test_before_the_first_sync_nothing_is_known(database: Database) -> None:
    assert await missing_deal(database, "4711") == MissingDeal(None, None, None)


async def test_the_last_successful_tail_and_the_deals_own_reject_are_reported(database: Database) -> None:
    """Neither failed syncs, nor other kinds, nor the rejects of other deals."""
    for minute, (kind, outcome) in enumerate(
        ((SyncKind.TAIL, SyncOutcome.DONE), (SyncKind.TAIL, SyncOutcome.FAILED), (SyncKind.RECONCILE, SyncOutcome.DONE))
    ):
        ended_at = MOMENT + timedelta(minutes=minute)
        await database.run(insert(_syncs), {"kind": kind, "outcome": outcome, "fence": 1, "ended_at": ended_at})
    for key in ("4711", "4712"):
        await database.run(insert(_rejects), {"record_key": key, "body": {}, "error": f"{key} is broken."})
    assert await missing_deal(database, "4711") == MissingDeal(MOMENT, None, "4711 is broken.")
    assert (await missing_deal(database, "4713")).reject_error is None
