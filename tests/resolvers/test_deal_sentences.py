"""Every state of a deal is described in a sentence."""

import re

from sqlalchemy import text

from core.database import Database
from models import RunReason, RunStatus, StepStatus
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.queue import Priority
from pipeline.runs.transition import StepEnd, Transition
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import deal_row, run_store, store
from tests.pipeline.operations.states import retrying_deal
from tests.resolvers.timings import age_runs, runs_ended_recently, stats
from tests.resolvers.where_is import MOMENT, where, words


async def test_a_held_deal_waits_for_approval(graphql: GraphQLClient, database: Database) -> None:
    await store(database, deal_row("71234567890"), hold_after=0)
    assert (await words(graphql, "71234567890")).startswith("Held: too many deals arrived or changed at once.")


async def test_a_running_deal(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.running_deal(database)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(graphql, lease.deal_id))
    await factories.expire(database, lease)
    assert "has stopped sending heartbeats" in await words(graphql, lease.deal_id)


async def test_a_retrying_deal(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.FAILED, error_type="ServerError", error_message="HubSpot answered 502.")
    await run_store(database).move(lease, Transition(status=RunStatus.RETRYING, end=end, delay_seconds=60))
    assert re.fullmatch(
        rf"Attempt 2 of stage Fetch follows at {MOMENT}: HubSpot answered 502\.", await words(graphql, lease.deal_id)
    )


async def test_a_retrying_deal_whose_time_has_come(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """A time in the past is not mentioned."""
    deal_id = (await retrying_deal(database)).deal_id
    await process_now(context, deal_id)
    follows = "Attempt 2 of stage Fetch follows as soon as a worker is free: HubSpot refused it."
    assert await words(graphql, deal_id) == follows


async def test_a_failed_deal(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.FAILED, error_type="Refused", error_message="The token may not read deals.")
    failed = Transition(status=RunStatus.FAILED, reason=RunReason.NEEDS_ATTENTION, end=end)
    await run_store(database).move(lease, failed)
    assert re.fullmatch(
        rf"Failed in stage Fetch at {MOMENT}, because it needs attention: The token may not read deals\.",
        await words(graphql, lease.deal_id),
    )


async def test_a_deal_blocked_by_an_unknown_stage_failed_in_no_stage(
    graphql: GraphQLClient, database: Database
) -> None:
    """Whether it had begun a stage or not."""
    deal_id = await factories.queued_deal(database)
    begun = await factories.running_deal(database)
    await factories.finish_step(database, begun, 0)
    await database.run(text("UPDATE steps SET status = 'PENDING' WHERE position = 1"))
    await database.run(text("UPDATE pipeline_runs SET status = 'FAILED', reason = 'BLOCKED_BY_UNKNOWN_STAGE'"))
    for parked in (deal_id, begun.deal_id):
        assert await words(graphql, parked) == "Failed, because this release does not know one of its stages."


async def test_a_skipped_deal(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.running_deal(database)
    end = StepEnd(0, StepStatus.SKIPPED, error_message="The deal is in HubSpot's recycle bin.")
    skipped = Transition(status=RunStatus.SKIPPED, reason=RunReason.ARCHIVED, end=end)
    await run_store(database).move(lease, skipped)
    assert (await words(graphql, lease.deal_id)).startswith("Skipped at ")
    assert "because it is in HubSpot's recycle bin" in await words(graphql, lease.deal_id)


async def test_a_deal_that_the_backfill_excludes(graphql: GraphQLClient, database: Database) -> None:
    excluded = {"run_status": RunStatus.SKIPPED, "run_reason": RunReason.NOT_SELECTED}
    await store(database, deal_row("71234567890", **excluded, run_priority=Priority.BACKFILL))
    because = "because it was in HubSpot before the first sync, and BACKFILL_PROCESS excludes it"
    assert re.fullmatch(rf"Skipped at {MOMENT}, {because}\.", await words(graphql, "71234567890"))


async def test_a_done_deal(graphql: GraphQLClient, database: Database) -> None:
    lease = await factories.done_deal(database)
    assert re.fullmatch(rf"Done at {MOMENT}\.", await words(graphql, lease.deal_id))


PAUSED = rf"The queue has been paused since {MOMENT} by cli:ada\."


async def test_in_a_paused_queue_there_is_no_estimate(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """There is a position, but no start can be estimated until the queue is resumed."""
    await runs_ended_recently(database)
    deal_id = await factories.queued_deal(database)
    await pause(context)
    found = await where(graphql, deal_id)
    assert found["position"] == 1
    assert re.fullmatch(rf"Queued at position 1\. {PAUSED}", found["words"])
    await resume(context)
    assert "At the current rate it starts in" in await words(graphql, deal_id)


async def test_a_pause_without_a_name_is_described_without_one(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """The row of the pause need not name its requester."""
    deal_id = await factories.queued_deal(database)
    await pause(context)
    await database.run(text("UPDATE controls SET requested_by = NULL"))
    assert re.fullmatch(
        rf"Queued at position 1\. The queue has been paused since {MOMENT}\.", await words(graphql, deal_id)
    )


async def test_a_late_deal_in_a_paused_queue_is_both(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    deal_id = await factories.queued_deal(database)
    await stats(database)
    await age_runs(database, 11)
    await pause(context)
    late = r"Queued at position 1\. It has waited longer than 95 of 100 deals\."
    assert re.fullmatch(rf"{late} {PAUSED}", await words(graphql, deal_id))


async def test_the_next_attempt_waits_for_the_queue(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Not before its time, and not before the queue is resumed."""
    deal_id = (await retrying_deal(database)).deal_id
    await pause(context)
    follows = rf"Attempt 2 of stage Fetch follows when it is resumed, not before {MOMENT}: HubSpot refused it\."
    assert re.fullmatch(rf"{PAUSED} {follows}", await words(graphql, deal_id))


async def test_a_pause_is_not_mentioned_of_running_and_ended_deals(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """It does not affect them."""
    running, done = await factories.running_deal(database), await factories.done_deal(database)
    await pause(context)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(graphql, running.deal_id))
    assert re.fullmatch(rf"Done at {MOMENT}\.", await words(graphql, done.deal_id))


async def test_a_requested_cancel_of_a_running_deal_is_mentioned(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Until its worker has stopped, or the cancel is undone."""
    lease = await factories.running_deal(database)
    await cancel(context, lease.deal_id)
    cancelling = rf"In stage Fetch since {MOMENT}\. It is being cancelled, as requested at {MOMENT}\."
    assert re.fullmatch(cancelling, await words(graphql, lease.deal_id))
    await undo_cancel(context, lease.deal_id)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(graphql, lease.deal_id))


async def test_a_cancelled_deal_is_cancelled(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Whether it was waiting, or was ended by its worker."""
    waiting, lease = await factories.queued_deal(database), await factories.running_deal(database)
    for deal_id in (waiting, lease.deal_id):
        await cancel(context, deal_id)
    await factories.finish_step(database, lease, 0)
    for deal_id in (waiting, lease.deal_id):
        assert re.fullmatch(rf"Cancelled at {MOMENT}\.", await words(graphql, deal_id))
