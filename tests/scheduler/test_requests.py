"""A requested job runs once for each request, and a request is not lost."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from models import SyncKind, SyncOutcome
from pipeline.runs.controls import request_control
from scheduler.context import JobContext
from scheduler.requests import is_open, results_of, when_requested
from scheduler.sync.sync_result import SyncResult
from scheduler.sync.sync_runs import SyncCounts
from tests.scheduler.contexts import job_context


async def requested(database: Database) -> None:
    async with database.write() as session:
        await request_control(session, "sync", "cli:ada")


async def test_a_request_is_served_once(database: Database) -> None:
    """Without an open request the job does not run."""
    runs: list[str] = []

    async def job(_: JobContext) -> list[SyncResult]:
        runs.append("run")
        return []

    serve, context = when_requested("sync", job), job_context(database)
    await serve(context)
    assert runs == []
    await requested(database)
    for _ in range(2):
        await serve(context)
    assert runs == ["run"]
    assert not await is_open(database, "sync")


async def test_a_request_that_is_made_while_the_last_one_is_served_stays_open(database: Database) -> None:
    """The job may have read past what the second person wants to see."""

    async def job(_: JobContext) -> list[SyncResult]:
        await requested(database)
        return []

    await requested(database)
    await when_requested("sync", job)(job_context(database))
    assert await is_open(database, "sync")


async def test_a_request_whose_job_is_cancelled_stays_open(database: Database) -> None:
    """The next leader serves it."""

    async def job(_: JobContext) -> list[SyncResult]:
        raise asyncio.CancelledError

    await requested(database)
    with pytest.raises(asyncio.CancelledError):
        await when_requested("sync", job)(job_context(database))
    assert await is_open(database, "sync")
    await database.run(text("UPDATE controls SET taken_at = requested_at"))
    assert not await is_open(database, "sync")


async def test_the_results_of_a_request_are_stored_with_it(database: Database) -> None:
    """Until the next request; a scheduler of an earlier release stores none."""
    result = SyncResult(kind=SyncKind.TAIL, outcome=SyncOutcome.DONE, seconds=1.5, counts=SyncCounts(seen=3, new=2))

    async def job(_: JobContext) -> list[SyncResult]:
        return [result]

    await requested(database)
    await when_requested("sync", job)(job_context(database))
    assert await results_of(database, "sync") == [result]
    await requested(database)
    await database.run(text("UPDATE controls SET taken_at = clock_timestamp()"))
    assert await results_of(database, "sync") is None


async def test_a_mistake_of_ours_is_the_result_of_a_request(database: Database) -> None:
    """It would repeat itself every two seconds; what may succeed later leaves the request open."""

    async def job(_: JobContext) -> list[SyncResult]:
        raise errors.pop()

    errors = [ValueError("a mistake"), DatabaseUnavailable("away")]
    await requested(database)
    for stays_open in (True, False):
        with pytest.raises((ValueError, DatabaseUnavailable)):
            await when_requested("sync", job)(job_context(database))
        assert await is_open(database, "sync") is stays_open
    [failed] = await results_of(database, "sync") or []
    assert (failed.outcome, failed.error) == (SyncOutcome.FAILED, "ValueError('a mistake')")
