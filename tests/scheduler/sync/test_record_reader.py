"""A record of HubSpot becomes a row that also records what happens to the deal if it is new."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.settings import BackfillProcess
from models import RunReason, RunStatus
from pipeline.queue import Priority
from scheduler.context import JobContext
from scheduler.sync.record_reader import DealPage, RecordReader

CONTACT = datetime(2026, 11, 1, tzinfo=UTC)
BEFORE = CONTACT - timedelta(days=1)


def record(
    identifier: object = 7, *, created: datetime = CONTACT, stage: str = "", **properties: str
) -> dict[str, Any]:
    at = created.isoformat()
    return {
        "id": str(identifier),
        "properties": {
            "dealname": "Deal",
            "pipeline": "default",
            "dealstage": stage or "qualifiedtobuy",
            "createdate": at,
            "hs_lastmodifieddate": at,
            **properties,
        },
        "archived": False,
    }


async def read(context: JobContext, *records: dict[str, Any], process: BackfillProcess = "open") -> DealPage:
    return await RecordReader(context.catalog, CONTACT, process).read(records, CONTACT)


@pytest.mark.parametrize(
    ("process", "stage", "created", "expected"),
    [
        ("none", "", CONTACT, (RunStatus.QUEUED, None, Priority.NEW)),
        ("all", "closedwon", BEFORE, (RunStatus.QUEUED, None, Priority.BACKFILL)),
        ("open", "qualifiedtobuy", BEFORE, (RunStatus.QUEUED, None, Priority.BACKFILL)),
        ("open", "of no pipeline", BEFORE, (RunStatus.QUEUED, None, Priority.BACKFILL)),
        ("open", "closedwon", BEFORE, (RunStatus.SKIPPED, RunReason.NOT_SELECTED, Priority.BACKFILL)),
        ("none", "", BEFORE, (RunStatus.SKIPPED, RunReason.NOT_SELECTED, Priority.BACKFILL)),
    ],
)
async def test_the_first_contact_divides_new_deals_from_the_backfill(
    small_context: JobContext, process: BackfillProcess, stage: str, created: datetime, expected: tuple[object, ...]
) -> None:
    """Later deals are processed first; of earlier ones BACKFILL_PROCESS selects, by whether their stage is closed."""
    page = await read(small_context, record(created=created, stage=stage), process=process)
    (deal,) = page.deals
    assert (deal.run_status, deal.run_reason, deal.run_priority) == expected


async def test_stages_are_shown_by_their_label(small_context: JobContext) -> None:
    """A stage that the account does not define is shown by its id."""
    known, unknown = record(7), record(8, stage="of no pipeline")
    page = await read(small_context, known, unknown)
    assert [deal.hubspot_stage_label for deal in page.deals] == ["Qualified To Buy", "of no pipeline"]


async def test_a_record_that_cannot_be_read_is_rejected_alone(small_context: JobContext) -> None:
    """With its whole body; by its id, or by a hash when it has none."""
    without_id: dict[str, Any] = {"properties": {}}
    page = await read(small_context, record(7, hs_lastmodifieddate="soon"), record(8), without_id)
    assert [deal.hubspot_deal_id for deal in page.deals] == ["8"]
    assert page.ids == {7, 8}
    assert page.seen == 3
    first, second = page.rejects
    assert (first.key, "hs_lastmodifieddate: 'soon'" in first.error, "soon" in first.body) == ("7", True, True)
    assert len(second.key) == 64


async def test_a_value_that_cannot_be_read_is_part_of_the_content(small_context: JobContext) -> None:
    """Beside its text, which is kept; a deal all of whose values can be read has the hash that it always had."""
    good, odd, other = record(amount="1"), record(amount="1,800.00"), record(amount="1,900.00")
    page = await read(small_context, good, odd, other)
    first, second, third = page.deals
    assert first.content_hash.hex() == ("354353af1c7946314481058a8f3653644e137f55b3b1447a95c33fd9d1a1d8b4")
    assert (first.unreadable, second.amount, second.unreadable) == ("{}", None, '{"amount":"1,800.00"}')
    assert len({first.content_hash, second.content_hash, third.content_hash}) == 3


async def test_a_touch_does_not_change_the_hash(small_context: JobContext) -> None:
    """Only the modification time moves, which is stored by itself; any other property is a change."""
    touched = record(hs_lastmodifieddate=(CONTACT + timedelta(hours=1)).isoformat())
    page = await read(small_context, record(), touched, record(description="New"))
    plain, after_touch, changed = (deal.content_hash for deal in page.deals)
    assert plain == after_touch
    assert plain != changed


async def test_the_deals_that_were_merged_into_another_one_are_known_by_it(small_context: JobContext) -> None:
    """The merged deal lists them."""
    page = await read(small_context, record(9, hs_merged_object_ids="7;8"))
    assert page.successors == {"7": "9", "8": "9"}
