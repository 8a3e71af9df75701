"""`bulk` starts, shows and stops an operation on many deals."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.cli import command as cli_command
from tests.factories import one
from tests.pipeline.cli.conftest import Command
from tests.pipeline.operations.states import failed_deal


async def test_a_bulk_operation_is_started_watched_and_stopped(database: Database, command: Command) -> None:
    """By a filter; its number then names it."""
    await failed_deal(database)
    assert await command("bulk", "start", "retry", "--status", "FAILED") == (
        0,
        "Bulk operation 1 has begun, with 1 deal.",
    )
    waiting = "Bulk operation 1 is running: 0 of 1 deals done, 0 refused, 1 waiting."
    assert await command("bulk", "show", 1) == (0, waiting)
    assert waiting in (await command("status"))[1]
    assert await command("bulk", "stop", 1) == (0, "Bulk operation 1 is cancelled; 1 deal was left unchanged.")
    assert await command("bulk", "stop", 1) == (1, "Bulk operation 1 is cancelled.")
    assert await command("bulk", "start", "cancel") == (1, "Name the deals by id, or choose them by a filter.")


async def test_a_long_choice_of_deals_reports_that_it_goes_on(
    database: Database, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here another session has locked the table for a moment."""
    monkeypatch.setattr(cli_command, "REPORT_SECONDS", 0.1)
    await failed_deal(database)
    async with database.write() as session:
        await session.execute(text("LOCK TABLE bulk_operations"))
        starting = asyncio.ensure_future(command("bulk", "start", "retry", "--status", "FAILED"))
        while not await one(database, "SELECT count(*) FROM pg_locks, pg_sleep(0.05) WHERE NOT granted"):
            assert not starting.done()
        await session.execute(text("SELECT pg_sleep(0.3)"))
    code, printed = await starting
    *reports, last = printed.splitlines()
    assert (code, last) == (0, "Bulk operation 1 has begun, with 1 deal.")
    assert reports[0] == "Choosing the deals that match ... (0 s)"
