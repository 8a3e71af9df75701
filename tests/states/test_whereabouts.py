"""Where is my deal? The answer is true, in words, and there is one for whatever the deal was called by."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from pipeline.operations.audited import OperationContext
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from pipeline.queue import Priority
from pipeline.runs.departures import mark_merged, mark_purged
from pipeline.runs.transition import StepEnd, Transition
from tests import factories
from tests.factories import deal_row, one, run_store, store
from tests.graphql.asking import Asker
from tests.pipeline.operations.states import failed_deal, retrying_deal
from tests.states.measured import delivered, stats

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


async def where(ask: Asker, deal: object) -> dict[str, Any]:
    asked = "query ($deal: String!) { whereIs(deal: $deal) { words position deal { hubspotDealId state } } }"
    found: dict[str, Any] = (await ask(asked, deal=str(deal)))["whereIs"]
    return found


async def words(ask: Asker, deal: object) -> str:
    return str((await where(ask, deal))["words"])


@pytest.mark.parametrize(
    "address",
    [
        "71234567890",
        "  71234567890 ",
        "https://app.hubspot.com/contacts/123/record/0-3/71234567890",
        "https://app-eu1.hubspot.com/contacts/123/record/0-3/71234567890/view/1?eschref=%2Fcontacts",
        "https://app.hubspot.com/contacts/123/deal/71234567890/",
        "app.hubspot.com/contacts/123/deal/71234567890",
        "https://hubspot.com/contacts/123/deal/71234567890",
    ],
)
async def test_a_deal_is_found_by_whatever_it_is_called(ask: Asker, database: Database, address: str) -> None:
    """HubSpot's id, or the address of its page there; and our own id."""
    deal_id = await factories.queued_deal(database, hubspot_deal_id="71234567890")
    for name in (address, deal_id):
        assert (await where(ask, name))["deal"] == {"hubspotDealId": "71234567890", "state": "WAITING"}


async def test_a_refusal_reaches_the_client_in_words(ask: Asker) -> None:
    error = await ask.error('{ whereIs(deal: "Loom & Co") { words } }')
    assert (error["extensions"]["code"], "names no deal" in error["message"]) == ("BAD_USER_INPUT", True)


async def test_a_number_that_is_the_id_of_two_deals_is_never_guessed(ask: Asker, database: Database) -> None:
    """The words name both deals and how to write each; a prefix is an answer."""
    ours = await factories.queued_deal(database, hubspot_deal_id="71234567890")
    await store(database, deal_row(str(ours)))
    found = await where(ask, ours)
    assert (found["deal"], found["position"]) == (None, None)
    assert re.fullmatch(
        rf"{ours} is the id of one deal here \(71234567890 in HubSpot\) and of another in HubSpot, which is \d+ here\. "
        rf"Write deal:{ours} for the first, hubspot:{ours} for the second\.",
        found["words"],
    )
    assert (await where(ask, f"deal:{ours}"))["deal"]["hubspotDealId"] == "71234567890"
    assert (await where(ask, f"hubspot:{ours}"))["deal"]["hubspotDealId"] == str(ours)


async def test_our_id_of_no_deal(ask: Asker) -> None:
    """The sync, which sees HubSpot's ids only, is not mentioned."""
    assert await where(ask, "deal:4711") == {"words": "There is no deal 4711.", "position": None, "deal": None}


async def test_a_deal_that_the_sync_has_not_seen(ask: Asker, database: Database) -> None:
    """With when it last looked, as soon as it has."""
    found = await where(ask, "4711")
    assert (found["deal"], found["words"]) == (
        None,
        "The sync has not seen this deal yet; it has not looked at HubSpot so far.",
    )
    await database.run(
        text("INSERT INTO sync_runs (kind, outcome, fence, ended_at) VALUES ('TAIL', 'DONE', 1, '2026-11-01 12:00Z')")
    )
    assert await words(ask, "4711") == (
        "The sync has not seen this deal. It last looked at 2026-11-01 12:00:00 UTC, and looks every 5 s. "
        "The first reading of all deals is still under way."
    )
    await database.run(
        text("INSERT INTO sync_rejects (record_key, body, error) VALUES ('4711', '{}', 'It has no properties.')")
    )
    assert await words(ask, "4711") == "HubSpot's record of this deal could not be read so far: It has no properties."


async def test_the_position_is_by_priority_then_age(ask: Asker, database: Database) -> None:
    """Held runs and those under way stand in nobody's way."""
    await store(database, deal_row(), hold_after=0)
    await factories.running_deal(database)
    await delivered(database)
    old = await factories.queued_deal(database, run_priority=Priority.BACKFILL)
    first, second = [await factories.queued_deal(database) for _ in range(2)]
    assert [(await where(ask, deal))["position"] for deal in (first, second, old)] == [1, 2, 3]
    assert await words(ask, old) == "Queued at position 3. Too few deals have ended lately to tell when it starts."


async def ended_lately(database: Database, seconds: float = 10) -> None:
    """Ten runs, one behind the other, each after so many seconds."""
    for _ in range(10):
        await factories.done_deal(database)
    await delivered(database)
    ended = "UPDATE pipeline_runs SET ended_at = clock_timestamp() - make_interval(secs => :seconds * (1 + id % 10))"
    await database.run(text(f"{ended} WHERE status = 'DONE'"), {"seconds": seconds})


@pytest.mark.parametrize(
    ("seconds", "told"), [(10, "(29|30|31) s"), (28, "(84|85) s"), (40, "2 minutes"), (57, "3 minutes")]
)
async def test_the_estimate_is_by_the_present_pace(ask: Asker, database: Database, seconds: float, told: str) -> None:
    """Two are in front."""
    await ended_lately(database, seconds)
    for stage in factories.STAGES:
        await stats(database, stage, seconds=2)
    waiting = [await factories.queued_deal(database) for _ in range(3)]
    assert re.fullmatch(
        rf"Queued at position 3\. At the present pace it starts in about {told}, and takes about 12 s\.",
        await words(ask, waiting[-1]),
    )


async def test_only_the_stages_that_are_left_take_time(
    ask: Asker, database: Database, context: OperationContext
) -> None:
    """A retry does not run the finished ones again; what is not known of every other one is not told."""
    await ended_lately(database)
    lease = await failed_deal(database, finished=2)
    await retry(context, lease.deal_id)
    for stage in factories.STAGES[1:-1]:
        await stats(database, stage, seconds=2)
    assert "takes about" not in await words(ask, lease.deal_id)
    await stats(database, factories.STAGES[-1], seconds=2)
    assert (await words(ask, lease.deal_id)).endswith(", and takes about 8 s.")


async def test_a_thousand_in_front_are_not_counted_further(ask: Asker, database: Database) -> None:
    await store(database, *(deal_row() for _ in range(1_005)))
    last = await one(database, "SELECT deal_id FROM pipeline_runs ORDER BY job_id DESC LIMIT 1")
    found = await where(ask, last)
    assert (found["position"], found["words"][:31]) == (1_001, "Queued at position 1,000+. Too ")


async def test_a_held_deal_waits_for_approval(ask: Asker, database: Database) -> None:
    await store(database, deal_row("71234567890"), hold_after=0)
    assert (await words(ask, "71234567890")).startswith("Held: too many new deals came at once.")


async def test_a_deal_that_runs(ask: Asker, database: Database) -> None:
    lease = await factories.running_deal(database)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(ask, lease.deal_id))
    await factories.expire(database, lease)
    assert "gives no sign" in await words(ask, lease.deal_id)


async def test_a_deal_that_is_tried_again(ask: Asker, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.FAILED, error_type="ServerError", error_message="HubSpot answered 502.")
    await run_store(database).move(lease, Transition(status=RunStatus.RETRYING, end=end, delay_seconds=60))
    assert re.fullmatch(
        rf"Attempt 2 of stage Fetch follows at {MOMENT}: HubSpot answered 502\.", await words(ask, lease.deal_id)
    )


async def test_a_deal_whose_time_has_come(ask: Asker, database: Database, context: OperationContext) -> None:
    """Nothing is told to come at a time that is over."""
    deal_id = (await retrying_deal(database)).deal_id
    await process_now(context, deal_id)
    follows = "Attempt 2 of stage Fetch follows as soon as a worker is free: HubSpot refused it."
    assert await words(ask, deal_id) == follows


async def test_a_deal_that_failed(ask: Asker, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.FAILED, error_type="Refused", error_message="The token may not read deals.")
    failed = Transition(status=RunStatus.FAILED, reason=RunReason.NEEDS_ATTENTION, end=end)
    await run_store(database).move(lease, failed)
    assert re.fullmatch(
        rf"Failed in stage Fetch at {MOMENT}, because it needs somebody's attention: The token may not read deals\.",
        await words(ask, lease.deal_id),
    )


async def test_a_deal_that_was_parked_failed_in_no_stage(ask: Asker, database: Database) -> None:
    """Whether it had begun one or not."""
    deal_id = await factories.queued_deal(database)
    begun = await factories.running_deal(database)
    await factories.finish_step(database, begun, 0)
    await database.run(text("UPDATE steps SET status = 'PENDING' WHERE position = 1"))
    await database.run(text("UPDATE pipeline_runs SET status = 'FAILED', reason = 'BLOCKED_BY_UNKNOWN_STAGE'"))
    for parked in (deal_id, begun.deal_id):
        assert await words(ask, parked) == "Failed, because this release does not know one of its stages."


async def test_a_deal_that_was_skipped(ask: Asker, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.SKIPPED, error_message="The deal is in HubSpot's recycle bin.")
    skipped = Transition(status=RunStatus.SKIPPED, reason=RunReason.ARCHIVED, end=end)
    await run_store(database).move(lease, skipped)
    assert (await words(ask, lease.deal_id)).startswith("Skipped at ")
    assert "because it is in HubSpot's recycle bin" in await words(ask, lease.deal_id)


async def test_a_deal_that_was_there_before(ask: Asker, database: Database) -> None:
    left_out = {"run_status": RunStatus.SKIPPED, "run_reason": RunReason.NOT_SELECTED}
    await store(database, deal_row("71234567890", **left_out, run_priority=Priority.BACKFILL))
    left_out_because = "because it was in HubSpot before Deal Queue was, and BACKFILL_PROCESS leaves it out"
    assert re.fullmatch(rf"Skipped at {MOMENT}, {left_out_because}\.", await words(ask, "71234567890"))


async def test_a_deal_that_is_done(ask: Asker, database: Database) -> None:
    lease = await factories.done_deal(database)
    assert re.fullmatch(rf"Done at {MOMENT}\.", await words(ask, lease.deal_id))


async def test_a_deal_that_left_hubspot(ask: Asker, database: Database) -> None:
    """Archived, or merged into another: whatever became of its run."""
    lease = await factories.done_deal(database)
    await database.run(text("UPDATE deals SET archived_at = now()"))
    assert re.fullmatch(rf"In HubSpot's recycle bin since {MOMENT}\.", await words(ask, lease.deal_id))
    async with database.write() as session:
        await mark_merged(session, {lease.hubspot_deal_id: "88"}, datetime.now(UTC))
    assert await words(ask, lease.deal_id) == "Merged into deal 88 of HubSpot."


async def test_a_deal_that_hubspot_has_no_more(ask: Asker, database: Database) -> None:
    lease = await factories.done_deal(database)
    async with database.write() as session:
        await mark_purged(session, [lease.hubspot_deal_id], datetime.now(UTC))
    assert re.fullmatch(rf"HubSpot has this deal no more; noticed at {MOMENT}\.", await words(ask, lease.deal_id))
