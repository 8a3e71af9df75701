"""The position of a deal is the position of its job, however the job was moved; and the estimate of its start."""

import re

import pytest
from procrastinate import App
from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import retry
from pipeline.queue import Priority
from resolvers import queue_position
from resolvers.queue_position import MAX_COUNTED
from tests import factories
from tests.api.graphql_client import GraphQLClient
from tests.factories import deal_row, expire, one, queued_deal, run_store, running_deal, store
from tests.pipeline.operations.states import failed_deal, retrying_deal
from tests.pipeline.operations.test_process_now import next_deal
from tests.pipeline.runs.test_intake_costs import nodes
from tests.resolvers.timings import age_runs, delete_fetched_jobs, runs_ended_recently, stats
from tests.resolvers.where_is import where, words

_MANY_JOBS = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority)
SELECT 'deals', 'process_deal', 10 FROM generate_series(1, 20000)
"""


async def positions(graphql: GraphQLClient, *deals: int) -> list[int]:
    return [(await where(graphql, deal))["position"] for deal in deals]


async def test_an_overdue_deal_is_where_its_job_is(graphql: GraphQLClient, database: Database, app: App) -> None:
    """Before the new ones, although its run still has the priority of the backfill."""
    new = await queued_deal(database)
    old = await queued_deal(database, run_priority=Priority.BACKFILL)
    assert await positions(graphql, new, old) == [1, 2]
    await age_runs(database, 3600)
    assert await run_store(database).raise_overdue() == 1
    assert await positions(graphql, new, old) == [2, 1]
    assert [await next_deal(app), await next_deal(app)] == [old, new]


async def test_a_redelivered_run_comes_before_the_waiting_ones(
    graphql: GraphQLClient, database: Database, app: App
) -> None:
    """Its worker has died: its job has a higher priority than new ones."""
    waiting = await queued_deal(database)
    lease = await running_deal(database)
    await delete_fetched_jobs(database)
    await expire(database, lease)
    assert await run_store(database).reap() == 1
    assert await positions(graphql, waiting, lease.deal_id) == [2, 1]
    assert [await next_deal(app), await next_deal(app)] == [lease.deal_id, waiting]


async def test_an_attempt_counts_only_when_its_time_has_come(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Until then it is not ahead of the others."""
    lease = await retrying_deal(database)
    await database.run(text("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"))
    waiting = await queued_deal(database)
    assert await positions(graphql, waiting) == [1]
    await process_now(context, lease.deal_id)
    assert await positions(graphql, waiting) == [2]


async def test_a_job_that_was_delivered_during_a_pause_goes_to_the_end(
    graphql: GraphQLClient, database: Database, app: App, context: OperationContext
) -> None:
    """Of those with its priority; during the pause the position already is the later one."""
    first, second = await queued_deal(database), await queued_deal(database)
    backfilled = await queued_deal(database, run_priority=Priority.BACKFILL)
    await pause(context)
    await database.run(text("DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs)"))
    assert await positions(graphql, first, second, backfilled) == [2, 1, 2]
    await resume(context)
    assert await positions(graphql, first, second, backfilled) == [2, 1, 3]
    assert [await next_deal(app) for _ in range(3)] == [second, first, backfilled]


async def test_the_position_is_read_from_the_index_of_the_queue(database: Database) -> None:
    """However many jobs wait, no more rows are read than are counted."""
    await queued_deal(database)
    await database.run(text(_MANY_JOBS))
    await database.run(text("VACUUM ANALYZE procrastinate_jobs"))
    run_id = await one(
        database, "UPDATE pipeline_runs SET job_id = (SELECT max(id) FROM procrastinate_jobs) RETURNING id"
    )
    assert (await queue_position.queue_position(database, run_id)).position == MAX_COUNTED + 1
    plan = await one(database, f"EXPLAIN (ANALYZE, FORMAT JSON) {queue_position._POSITION}", run_id=run_id)
    looks = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "procrastinate_jobs"]
    most = max(looks, key=lambda look: int(look["Actual Rows"]))
    assert (most.get("Index Name"), most["Actual Rows"]) == (
        "procrastinate_jobs_priority_idx_v1",
        MAX_COUNTED,
    )


async def test_the_position_is_by_priority_then_age(graphql: GraphQLClient, database: Database) -> None:
    """Held and running deals are not ahead of anyone."""
    await store(database, deal_row(), hold_after=0)
    await factories.running_deal(database)
    await delete_fetched_jobs(database)
    old = await factories.queued_deal(database, run_priority=Priority.BACKFILL)
    first, second = [await factories.queued_deal(database) for _ in range(2)]
    assert [(await where(graphql, deal))["position"] for deal in (first, second, old)] == [1, 2, 3]
    assert (
        await words(graphql, old)
        == "Queued at position 3. Too few deals have ended recently to estimate when it starts."
    )


@pytest.mark.parametrize(
    ("seconds", "estimate"), [(10, "(29|30|31) s"), (28, "(84|85) s"), (40, "2 minutes"), (57, "3 minutes")]
)
async def test_the_estimate_is_by_the_current_rate(
    graphql: GraphQLClient, database: Database, seconds: float, estimate: str
) -> None:
    """Two deals are ahead."""
    await runs_ended_recently(database, seconds)
    for stage in factories.STAGES:
        await stats(database, stage, seconds=2)
    waiting = [await factories.queued_deal(database) for _ in range(3)]
    assert re.fullmatch(
        rf"Queued at position 3\. At the current rate it starts in about {estimate} and takes about 12 s\.",
        await words(graphql, waiting[-1]),
    )


async def test_only_the_stages_that_are_left_take_time(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """A retry does not run the finished ones again; without statistics of every other one there is no figure."""
    await runs_ended_recently(database)
    lease = await failed_deal(database, finished=2)
    await retry(context, lease.deal_id)
    for stage in factories.STAGES[1:-1]:
        await stats(database, stage, seconds=2)
    assert "takes about" not in await words(graphql, lease.deal_id)
    await stats(database, factories.STAGES[-1], seconds=2)
    assert (await words(graphql, lease.deal_id)).endswith(" and takes about 8 s.")


async def test_more_than_a_thousand_ahead_are_not_counted(graphql: GraphQLClient, database: Database) -> None:
    await store(database, *(deal_row() for _ in range(1_005)))
    last = await one(database, "SELECT deal_id FROM pipeline_runs ORDER BY job_id DESC LIMIT 1")
    found = await where(graphql, last)
    assert (found["position"], found["words"][:31]) == (1_001, "Queued at position 1,000+. Too ")
