"""deal_snapshots: a deal is reserved, stored and used once."""

from core.database import Database
from pipeline.stages.fetch.snapshots import WaitingDeal, release, reserve, store, take
from tests.factories import MODIFIED, queued_deal, rows


async def test_a_reserved_deal_is_stored_and_used_once(database: Database) -> None:
    """While it is reserved another worker finds the reservation; a batch is at least three deals."""
    first, second = [await queued_deal(database) for _ in range(2)]
    assert await reserve(database, first) == []
    third = await queued_deal(database)
    waiting = await reserve(database, first)
    assert [deal.deal_id for deal in waiting] == [first, second, third]
    identifiers = await rows(database, "SELECT hubspot_deal_id FROM deals ORDER BY id")
    assert waiting[0] == WaitingDeal(first, identifiers[0]["hubspot_deal_id"])
    assert await reserve(database, second) == []
    await store(database, [(second, MODIFIED, {"properties": {}})])
    reserved, found = await take(database, third), await take(database, second)
    assert reserved is not None
    assert reserved.content is None
    assert found is not None
    assert found.content == {"properties": {}}
    assert await take(database, second) is None


async def test_what_is_still_reserved_is_released(database: Database) -> None:
    """A stored snapshot stays."""
    deal_ids = [await queued_deal(database) for _ in range(3)]
    await reserve(database, deal_ids[0])
    await store(database, [(deal_ids[1], MODIFIED, {})])
    await release(database, deal_ids)
    assert await rows(database, "SELECT deal_id FROM deal_snapshots") == [{"deal_id": deal_ids[1]}]
