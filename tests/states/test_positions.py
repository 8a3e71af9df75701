"""The position of a deal is the one in which workers are given its job, whatever has moved the job."""

from procrastinate import App
from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.queue import Priority
from resolvers import pace
from resolvers.pace import place_of
from tests.factories import expire, one, queued_deal, run_store, running_deal
from tests.graphql.asking import Asker
from tests.pipeline.operations.states import retrying_deal
from tests.pipeline.operations.test_process_now import next_deal
from tests.pipeline.test_intake_costs import nodes
from tests.states.measured import delivered, made_ago
from tests.states.test_whereabouts import where

_MANY_JOBS = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority)
SELECT 'deals', 'process_deal', 10 FROM generate_series(1, 20000)
"""


async def positions(ask: Asker, *deals: int) -> list[int]:
    return [(await where(ask, deal))["position"] for deal in deals]


async def test_an_overdue_deal_is_where_its_job_is(ask: Asker, database: Database, app: App) -> None:
    """Before the new ones, though its run is backfilled still."""
    new = await queued_deal(database)
    old = await queued_deal(database, run_priority=Priority.BACKFILL)
    assert await positions(ask, new, old) == [1, 2]
    await made_ago(database, 3600)
    assert await run_store(database).raise_overdue() == 1
    assert await positions(ask, new, old) == [2, 1]
    assert [await next_deal(app), await next_deal(app)] == [old, new]


async def test_a_deal_that_was_under_way_goes_on_before_the_others(ask: Asker, database: Database, app: App) -> None:
    """Its worker died; its run has the priority of those that came before it."""
    waiting = await queued_deal(database)
    lease = await running_deal(database)
    await delivered(database)
    await expire(database, lease)
    assert await run_store(database).reap() == 1
    assert await positions(ask, waiting, lease.deal_id) == [2, 1]
    assert [await next_deal(app), await next_deal(app)] == [lease.deal_id, waiting]


async def test_an_attempt_stands_in_front_when_its_time_has_come(
    ask: Asker, database: Database, context: OperationContext
) -> None:
    """And not before."""
    lease = await retrying_deal(database)
    await database.run(text("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"))
    waiting = await queued_deal(database)
    assert await positions(ask, waiting) == [1]
    await process_now(context, lease.deal_id)
    assert await positions(ask, waiting) == [2]


async def test_a_job_that_was_delivered_in_vain_goes_to_the_end(
    ask: Asker, database: Database, app: App, context: OperationContext
) -> None:
    """As it does when the queue goes on: a paused queue tells what will be so."""
    first, second = await queued_deal(database), await queued_deal(database)
    backfilled = await queued_deal(database, run_priority=Priority.BACKFILL)
    await pause(context)
    await database.run(text("DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs)"))
    assert await positions(ask, first, second, backfilled) == [2, 1, 2]
    await resume(context)
    assert await positions(ask, first, second, backfilled) == [2, 1, 3]
    assert [await next_deal(app) for _ in range(3)] == [second, first, backfilled]


async def test_the_position_is_read_from_the_index_of_the_queue(database: Database) -> None:
    """However many wait, no more of them are looked at than are counted."""
    await queued_deal(database)
    await database.run(text(_MANY_JOBS))
    await database.run(text("VACUUM ANALYZE procrastinate_jobs"))
    run_id = await one(
        database, "UPDATE pipeline_runs SET job_id = (SELECT max(id) FROM procrastinate_jobs) RETURNING id"
    )
    assert (await place_of(database, run_id)).position == pace.MOST_COUNTED + 1
    plan = await one(database, f"EXPLAIN (ANALYZE, FORMAT JSON) {pace._PLACE}", run_id=run_id)
    looks = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "procrastinate_jobs"]
    most = max(looks, key=lambda look: int(look["Actual Rows"]))
    assert (most.get("Index Name"), most["Actual Rows"]) == ("procrastinate_jobs_priority_idx_v1", pace.MOST_COUNTED)
