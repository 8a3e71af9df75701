"""Process now goes before new deals, new deals before backfilled ones; but those do not wait indefinitely."""

from procrastinate import App

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.process_now import process_now
from pipeline.runs.delivery import MOST_OVERDUE
from tests.factories import queued_deal, rows, run_store
from tests.pipeline.operations.test_process_now import next_deal

AGE = "UPDATE pipeline_runs SET created_at = now() - interval '11 minutes' WHERE priority = 0 RETURNING id"


async def backfilled_deal(database: Database) -> int:
    deal_id = await queued_deal(database)
    await rows(database, "UPDATE pipeline_runs SET priority = 0 WHERE deal_id = :id RETURNING id", id=deal_id)
    await rows(
        database,
        """UPDATE procrastinate_jobs SET priority = 0 WHERE id = (
           SELECT job_id FROM pipeline_runs WHERE deal_id = :id) RETURNING id""",
        id=deal_id,
    )
    return deal_id


async def test_runs_are_delivered_in_three_classes(database: Database, app: App, context: OperationContext) -> None:
    """Whatever the order in which they were queued."""
    old, new, urgent = await backfilled_deal(database), await queued_deal(database), await queued_deal(database)
    await process_now(context, urgent)
    assert await run_store(database).raise_overdue() == 0
    assert [await next_deal(app) for _ in range(4)] == [urgent, new, old, None]


async def test_a_deal_that_has_waited_long_goes_before_new_ones(
    database: Database, app: App, context: OperationContext
) -> None:
    """But not before a deal that a person processes now."""
    old, new, urgent = await backfilled_deal(database), await queued_deal(database), await queued_deal(database)
    await process_now(context, urgent)
    await rows(database, AGE)
    assert await run_store(database).raise_overdue() == 1
    assert [await next_deal(app) for _ in range(3)] == [urgent, old, new]


async def test_a_backlog_does_not_starve_new_deals(database: Database, app: App) -> None:
    """However long it is, a few of its runs at a time are before a new deal, the oldest first; then the next few."""
    backlog = [await backfilled_deal(database) for _ in range(MOST_OVERDUE + 5)]
    new = await queued_deal(database)
    await rows(database, AGE)
    assert await run_store(database).raise_overdue() == MOST_OVERDUE
    assert await run_store(database).raise_overdue() == 0
    assert [await next_deal(app) for _ in range(4)] == backlog[:4]
    assert await run_store(database).raise_overdue() == 4
    served = [await next_deal(app) for _ in range(MOST_OVERDUE + 1)]
    assert served == [*backlog[4 : 4 + MOST_OVERDUE], new]


async def test_an_attempt_that_is_not_due_is_not_raised(database: Database, app: App) -> None:
    """It waits for its time, not for a worker; and it does not keep other runs from being raised."""
    later, due = await backfilled_deal(database), await backfilled_deal(database)
    await rows(
        database,
        """UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE id = (
           SELECT job_id FROM pipeline_runs WHERE deal_id = :id) RETURNING id""",
        id=later,
    )
    await rows(database, AGE)
    assert await run_store(database).raise_overdue() == 1
    assert await next_deal(app) == due
