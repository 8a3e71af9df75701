"""Being held and being paused is no wait: neither is a deal late by it, nor do the percentiles count it."""

from sqlalchemy import text

from core.database import Database
from models import QUEUE_WAIT
from pipeline.operations.audited import OperationContext
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.runs.store import RunStore
from tests import factories
from tests.factories import deal_row, one, store
from tests.graphql.asking import Asker
from tests.states.measured import made_ago, stats
from tests.states.test_stage_stats import refresh
from tests.states.test_words import state

_RESUMED = """
INSERT INTO audit_events (at, actor, action, target, outcome, detail)
SELECT started_at + make_interval(secs => :seconds), 'cli:ada', 'resume', 'queue', CAST(:outcome AS audit_outcome), ''
FROM pipeline_runs
"""
_WAITED = f"SELECT p50 FROM stage_stats WHERE stage = '{QUEUE_WAIT}'"


async def moved(database: Database, assignment: str) -> None:
    """What is stored of the only run, or of the pause, is older than it was."""
    await database.run(text(f"UPDATE {assignment}"))


async def held_for_an_hour(database: Database) -> int:
    await store(database, deal_row(), hold_after=0)
    await stats(database)
    await made_ago(database, 3600)
    return int(await one(database, "SELECT id FROM deals"))


async def test_a_held_deal_waits_since_it_was_approved(ask: Asker, database: Database) -> None:
    """And is late when it has waited for too long since then."""
    await held_for_an_hour(database)
    async with database.write() as session:
        assert await RunStore.release_held(session) == 1
    assert await state(ask) == "WAITING"
    await moved(database, "pipeline_runs SET queued_at = queued_at - interval '11 seconds'")
    assert await state(ask) == "LATE"


async def test_a_held_deal_that_is_processed_now_waits_since_then(
    ask: Asker, database: Database, context: OperationContext
) -> None:
    """One that was late already is late still, though it goes first."""
    deal_id = await held_for_an_hour(database)
    await process_now(context, deal_id)
    assert await state(ask) == "WAITING"
    await made_ago(database, 11)
    await process_now(context, deal_id)
    assert await state(ask) == "LATE"


async def test_nothing_becomes_late_while_paused(ask: Asker, database: Database, context: OperationContext) -> None:
    """It had waited for 5 s when the queue was paused for an hour; afterwards it waits since the queue goes on."""
    await factories.queued_deal(database)
    await stats(database)
    await made_ago(database, 3600)
    await pause(context)
    await moved(database, "controls SET requested_at = requested_at - interval '3595 seconds'")
    assert await state(ask) == "WAITING"
    await resume(context)
    assert await state(ask) == "WAITING"
    await moved(database, "controls SET taken_at = taken_at - interval '11 seconds'")
    assert await state(ask) == "LATE"


async def started_behind_an_hour(database: Database) -> None:
    """A run that is done: made an hour before a worker took it up, and let go 8 s before."""
    await factories.done_deal(database)
    times = "created_at = started_at - interval '1 hour', queued_at = started_at - interval '8 seconds'"
    await moved(database, f"pipeline_runs SET {times}")


async def test_the_percentiles_know_how_long_a_held_run_has_waited(database: Database) -> None:
    """Since it was let go."""
    await started_behind_an_hour(database)
    await refresh(database)
    assert await one(database, _WAITED) == 8


async def test_the_percentiles_do_not_count_a_pause(database: Database) -> None:
    """However often the queue was paused since: the last resume before the run's start counts, if it was one."""
    await started_behind_an_hour(database)
    for seconds, outcome in ((-20, "DONE"), (-3, "DONE"), (-1, "REFUSED"), (60, "DONE")):
        await database.run(text(_RESUMED), {"seconds": seconds, "outcome": outcome})
    await refresh(database)
    assert await one(database, _WAITED) == 3
