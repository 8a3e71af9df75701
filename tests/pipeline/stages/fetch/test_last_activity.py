"""The last activity on a deal is a person's: a note of ours does not make a stalled deal look alive."""

from datetime import UTC, datetime, timedelta

import pytest

from core.database import Database
from pipeline.stages.fetch.last_activity import LastActivity, last_activity
from tests.factories import insert_deal

BEFORE, OURS = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (None, LastActivity(None, is_ours=False)),
        (BEFORE, LastActivity(BEFORE, is_ours=False)),
        (OURS, LastActivity(BEFORE, is_ours=True)),
        (OURS + timedelta(seconds=9), LastActivity(BEFORE, is_ours=True)),
        (OURS + timedelta(minutes=1), LastActivity(OURS + timedelta(minutes=1), is_ours=False)),
    ],
    ids=["none", "before", "ours", "timed a little later", "after"],
)
async def test_an_activity_of_ours_stands_for_the_one_before(
    database: Database, shown: datetime | None, expected: LastActivity
) -> None:
    """HubSpot may time it a little differently."""
    deal_id = await insert_deal(database, activity_at=BEFORE, own_activity=[OURS])
    assert await last_activity(database, deal_id, shown) == expected


async def test_a_deal_on_which_nothing_happened_but_our_note_has_had_no_activity(database: Database) -> None:
    deal_id = await insert_deal(database, own_activity=[OURS])
    assert await last_activity(database, deal_id, OURS) == LastActivity(None, is_ours=True)
