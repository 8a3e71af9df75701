"""A requested job runs once for each request, and a request is not lost."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.runs.controls import request_control
from scheduler.context import JobContext
from scheduler.requests import is_open, when_requested
from tests.scheduler.contexts import job_context


async def requested(database: Database) -> None:
    async with database.write() as session:
        await request_control(session, "sync", "cli:ada")


async def test_a_request_is_served_once(database: Database) -> None:
    """Without an open request the job does not run."""
    runs: list[str] = []

    async def job(_: JobContext) -> None:
        runs.append("run")

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

    async def job(_: JobContext) -> None:
        await requested(database)

    await requested(database)
    await when_requested("sync", job)(job_context(database))
    assert await is_open(database, "sync")


async def test_a_request_whose_job_is_cancelled_stays_open(database: Database) -> None:
    """The next leader serves it."""

    async def job(_: JobContext) -> None:
        raise asyncio.CancelledError

    await requested(database)
    with pytest.raises(asyncio.CancelledError):
        await when_requested("sync", job)(job_context(database))
    assert await is_open(database, "sync")
    await database.run(text("UPDATE controls SET taken_at = requested_at"))
    assert not await is_open(database, "sync")
