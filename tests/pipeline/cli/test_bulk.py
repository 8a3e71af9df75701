"""`bulk` starts, shows and stops an operation on many deals."""

from core.database import Database
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
