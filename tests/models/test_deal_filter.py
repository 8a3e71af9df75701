"""What a filter matches; a bulk operation with the same filter touches the same deals."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core.database import Database
from models import BulkKind, RunReason, RunStatus
from models.deal_filter import MATCHES, DealFilter
from pipeline.operations.audited import OperationContext
from pipeline.operations.bulk import start_bulk
from tests.factories import STAGE_NAMES, done_deal, queued_deal, rows
from tests.pipeline.operations.states import failed_deal, held_deal

MATCHING = text(f"SELECT d.id FROM deals AS d WHERE {MATCHES} ORDER BY d.id")
ITEMS = "SELECT deal_id FROM bulk_operation_items ORDER BY id"
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (DealFilter(statuses=[RunStatus.FAILED]), ["failed"]),
        (DealFilter(statuses=(RunStatus.FAILED, RunStatus.QUEUED)), ["failed", "queued", "held"]),
        (DealFilter(reason=RunReason.HELD), ["held"]),
        (DealFilter(owner="Ada Byron"), ["failed", "done", "queued", "held"]),
        (DealFilter(owner="7", statuses=[RunStatus.DONE]), ["done"]),
        (DealFilter(pipeline="default", stage="qualifiedtobuy"), ["failed", "done", "queued", "held"]),
        (DealFilter(pipeline="default", stage="closedwon"), []),
        (DealFilter(updated_before=NOW + timedelta(days=1)), ["failed", "done", "queued", "held"]),
        (DealFilter(updated_before=NOW - timedelta(days=1)), []),
        (DealFilter(pipeline="default", updated_after=NOW - timedelta(days=1)), ["failed", "done", "queued", "held"]),
        (DealFilter(updated_after=NOW + timedelta(days=1)), []),
        (DealFilter(deal_ids=[1, 2, 999]), ["failed", "done"]),
        (DealFilter(deal_ids=(1, 2), statuses=[RunStatus.DONE]), ["done"]),
        (DealFilter(deal_ids=[]), []),
        (DealFilter(), ["failed", "done", "queued", "held"]),
    ],
)
async def test_a_deal_matches_when_every_given_condition_holds(
    database: Database, chosen: DealFilter, found: list[str]
) -> None:
    """And a bulk operation has the deals that match when it starts, no others."""
    deals = {
        "failed": (await failed_deal(database)).deal_id,
        "done": (await done_deal(database)).deal_id,
        "queued": await queued_deal(database),
        "held": await held_deal(database),
    }
    matching = [row.id for row in await database.run(MATCHING, chosen.parameters())]
    assert matching == [deals[name] for name in found]
    if found and not chosen.is_empty:
        context = OperationContext(database=database, actor="cli:ada", stages=STAGE_NAMES)
        await start_bulk(context, BulkKind.CANCEL, chosen)
        await queued_deal(database)
        assert [row["deal_id"] for row in await rows(database, ITEMS)] == matching


def test_a_filter_knows_what_it_was_given() -> None:
    """For the audit; without any condition it is empty."""
    assert DealFilter(owner="7", statuses=[RunStatus.DONE]).given() == {"owner": "7", "statuses": ["DONE"]}
    assert DealFilter().is_empty
    assert not DealFilter(deal_ids=[]).is_empty
