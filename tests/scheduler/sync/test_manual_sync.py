"""A sync that a person starts: by this process, or requested from the scheduler that leads."""

import asyncio
import io

from rich.console import Console
from sqlalchemy import text

from core.database import Database
from scheduler.context import JobContext
from scheduler.jobs import JOBS
from scheduler.leadership import Leadership
from scheduler.sync.manual_sync import MANUAL_SYNCS, run_manual_sync
from tests.completeness.account import Account
from tests.factories import one, rows
from tests.scheduler.sync.stored import SMALL

ONCE = MANUAL_SYNCS[0]
SERVED = "SELECT count(*) FROM controls WHERE name = 'sync' AND taken_at >= requested_at"


def leadership(database: Database, holder: str) -> Leadership:
    return Leadership(database, holder=holder, ttl_seconds=600)


async def manual_sync(context: JobContext, holder: str = "manual") -> tuple[bool, str]:
    """Whether it succeeded, and what it printed."""
    output = io.StringIO()
    console = Console(file=output, width=200)
    return await run_manual_sync(context, leadership(context.database, holder), ONCE, console), output.getvalue()


async def test_without_another_scheduler_it_leads_itself(small_context: JobContext, database: Database) -> None:
    """For as long as the sync takes; the summary has a line for each sync."""
    succeeded, output = await manual_sync(small_context, "test")
    assert succeeded
    assert f"{SMALL} seen, {SMALL} new." in output
    assert "Backfill done in " in output
    assert output.endswith(" s: no changes.\n")
    assert await leadership(database, "other").tick(), "the lease was not released"


async def test_another_scheduler_that_leads_is_requested_to_do_it(
    small_context: JobContext, database: Database
) -> None:
    """It serves the request with its own job, under its own fence."""
    serve = next(job for job in JOBS if job.name == "requested sync")
    running = asyncio.create_task(manual_sync(small_context))
    while not await rows(database, "SELECT 1 FROM controls WHERE name = 'sync'"):  # noqa: ASYNC110 - the database is what is watched
        await asyncio.sleep(0.01)
    assert await one(database, "SELECT count(*) FROM sync_runs") == 0
    await serve.run(small_context)
    succeeded, output = await running
    assert succeeded
    assert output.startswith("Another scheduler leads; the sync has been requested from it.")
    assert "Backfill done in " in output
    assert await one(database, SERVED) == 1


async def test_the_next_sync_of_the_leader_is_not_part_of_the_request(
    small_context: JobContext, database: Database
) -> None:
    """It begins when the request has been served, and may still be running: neither success nor failure."""
    serve = next(job for job in JOBS if job.name == "requested sync")
    running = asyncio.create_task(manual_sync(small_context))
    while not await rows(database, "SELECT 1 FROM controls WHERE name = 'sync'"):  # noqa: ASYNC110 - the database is what is watched
        await asyncio.sleep(0.01)
    await serve.run(small_context)
    await database.run(text("INSERT INTO sync_runs (kind, outcome, fence) VALUES ('TAIL', 'RUNNING', 1)"))
    succeeded, output = await running
    assert succeeded
    assert "running" not in output


async def test_if_the_leader_dies_before_it_has_served_the_request_the_process_leads_itself(
    small_context: JobContext, database: Database
) -> None:
    """The lease of the dead one expires."""
    running = asyncio.create_task(manual_sync(small_context))
    while not await rows(database, "SELECT 1 FROM controls WHERE name = 'sync'"):  # noqa: ASYNC110 - the database is what is watched
        await asyncio.sleep(0.01)
    await database.run(text("UPDATE leases SET expires_at = clock_timestamp()"))
    succeeded, output = await running
    assert succeeded
    assert "Backfill done in " in output


async def test_a_sync_that_fails_is_no_success(small_context: JobContext, small: Account) -> None:
    """Its error is in the summary."""
    small.fault("server_error", "/search", times=100)
    succeeded, output = await manual_sync(small_context, "test")
    small.clear_faults()
    assert not succeeded
    assert "Backfill failed in " in output
    assert "500" in output
