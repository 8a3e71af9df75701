"""The rows of sync_runs: one a sync, shared by polls that find nothing."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.database import Database
from models import SyncKind
from scheduler.context import JobContext
from scheduler.jobs import take_over
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.sync_jobs import backfill, tail
from scheduler.sync.sync_lifecycle import run_sync
from tests.factories import one, rows
from tests.hubspot import Sandbox


async def test_a_dead_schedulers_sync_is_recorded_as_interrupted(context: JobContext, database: Database) -> None:
    """When the next one leads: no row stays RUNNING whose sync does not run."""
    await rows(
        database,
        "INSERT INTO sync_runs (kind, outcome, fence) VALUES ('BACKFILL', 'RUNNING', 0), ('TAIL', 'RUNNING', 1)"
        " RETURNING id",
    )
    await take_over(context)
    await tail(context)
    found = await rows(database, "SELECT outcome, error FROM sync_runs ORDER BY id")
    assert [row["outcome"] for row in found] == ["INTERRUPTED", "INTERRUPTED", "DONE"]
    assert "resumes" in found[0]["error"]


async def test_polls_that_find_nothing_share_a_row(context: JobContext, database: Database, hubspot: Sandbox) -> None:
    """A poll every five seconds does not write 17,000 rows a day; one that finds something has a row of its own."""
    await backfill(context)
    for _ in range(4):
        await tail(context)
    polls = "SELECT polls, pages, calls FROM sync_runs WHERE kind = 'TAIL' ORDER BY id"
    assert await rows(database, polls) == [{"polls": 4, "pages": 4, "calls": {"200": 4}}]
    hubspot.mutate(create=1)
    await tail(context)
    await tail(context)
    assert [row["polls"] for row in await rows(database, polls)] == [4, 1, 1]


async def test_the_error_of_a_sync_holds_neither_sql_nor_values(context: JobContext, database: Database) -> None:
    """A page shows it: one line, not the thousands of characters of a statement with its rows."""

    async def store_twice(_: RunningSync) -> None:
        await database.run(text("CREATE TABLE people (email text UNIQUE)"))
        people = [{"email": f"canary-{n % 50}"} for n in range(100)]
        async with database.write() as session:
            await session.execute(text("INSERT INTO people VALUES (:email)"), people)

    with pytest.raises(IntegrityError):
        await run_sync(context, SyncKind.TAIL, store_twice)
    assert await one(database, "SELECT error FROM sync_runs") == (
        'duplicate key value violates unique constraint "people_email_key"'
    )
