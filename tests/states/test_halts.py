"""Where is my deal, while somebody has stopped it: the queue is paused, or the deal is being cancelled."""

import re

from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.pause import pause, resume
from tests import factories
from tests.graphql.asking import Asker
from tests.pipeline.operations.states import retrying_deal
from tests.states.measured import made_ago, stats
from tests.states.test_whereabouts import MOMENT, ended_lately, where, words

PAUSED = rf"The queue has been paused since {MOMENT} by cli:ada\."


async def test_a_paused_queue_has_no_pace(ask: Asker, database: Database, context: OperationContext) -> None:
    """The position stands, an estimate would be a lie; resumed, there is one again."""
    await ended_lately(database)
    deal_id = await factories.queued_deal(database)
    await pause(context)
    found = await where(ask, deal_id)
    assert found["position"] == 1
    assert re.fullmatch(rf"Queued at position 1\. {PAUSED}", found["words"])
    await resume(context)
    assert "At the present pace it starts in" in await words(ask, deal_id)


async def test_a_pause_by_nobody_is_told_as_well(ask: Asker, database: Database, context: OperationContext) -> None:
    """Whoever sets the flag need not say who they are."""
    deal_id = await factories.queued_deal(database)
    await pause(context)
    await database.run(text("UPDATE controls SET requested_by = NULL"))
    assert re.fullmatch(
        rf"Queued at position 1\. The queue has been paused since {MOMENT}\.", await words(ask, deal_id)
    )


async def test_a_late_deal_in_a_paused_queue_is_both(ask: Asker, database: Database, context: OperationContext) -> None:
    deal_id = await factories.queued_deal(database)
    await stats(database)
    await made_ago(database, 11)
    await pause(context)
    late = r"Queued at position 1\. It waits longer than 95 of 100 deals do\."
    assert re.fullmatch(rf"{late} {PAUSED}", await words(ask, deal_id))


async def test_the_next_attempt_waits_for_the_queue(ask: Asker, database: Database, context: OperationContext) -> None:
    """At its time, and not before the queue goes on."""
    deal_id = (await retrying_deal(database)).deal_id
    await pause(context)
    follows = rf"Attempt 2 of stage Fetch follows when it is resumed, not before {MOMENT}: HubSpot refused it\."
    assert re.fullmatch(rf"{PAUSED} {follows}", await words(ask, deal_id))


async def test_a_pause_does_not_concern_what_runs(ask: Asker, database: Database, context: OperationContext) -> None:
    """Nor what is over."""
    running, done = await factories.running_deal(database), await factories.done_deal(database)
    await pause(context)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(ask, running.deal_id))
    assert re.fullmatch(rf"Done at {MOMENT}\.", await words(ask, done.deal_id))


async def test_a_running_deal_is_being_cancelled(ask: Asker, database: Database, context: OperationContext) -> None:
    """Until its worker has stopped, or the request is taken back."""
    lease = await factories.running_deal(database)
    await cancel(context, lease.deal_id)
    told = rf"In stage Fetch since {MOMENT}\. It is being cancelled, as was asked for at {MOMENT}\."
    assert re.fullmatch(told, await words(ask, lease.deal_id))
    await undo_cancel(context, lease.deal_id)
    assert re.fullmatch(rf"In stage Fetch since {MOMENT}\.", await words(ask, lease.deal_id))


async def test_what_was_cancelled_is_being_cancelled_no_more(
    ask: Asker, database: Database, context: OperationContext
) -> None:
    """Whether it had waited, or its worker has ended it."""
    waiting, lease = await factories.queued_deal(database), await factories.running_deal(database)
    for deal_id in (waiting, lease.deal_id):
        await cancel(context, deal_id)
    await factories.finish_step(database, lease, 0)
    for deal_id in (waiting, lease.deal_id):
        assert re.fullmatch(rf"Cancelled at {MOMENT}\.", await words(ask, deal_id))
