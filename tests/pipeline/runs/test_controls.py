"""Requests of people to other processes, as rows of `controls`."""

from core.database import Database
from models.conditions import PAUSE
from pipeline.runs.controls import is_paused, request_control
from tests.factories import one, rows

TAKEN = "UPDATE controls SET taken_at = clock_timestamp() WHERE name = :name RETURNING name"


async def request(database: Database, name: str, by: str | None = "cli:ada") -> None:
    async with database.write() as session:
        await request_control(session, name, by)


async def test_the_queue_is_paused_while_its_control_is_open(database: Database) -> None:
    """Another control does not pause it; it can be paused again."""
    await request(database, "sync")
    assert not await is_paused(database)
    for _ in range(2):
        await request(database, PAUSE)
        assert await is_paused(database)
        await rows(database, TAKEN, name=PAUSE)
        assert not await is_paused(database)


async def test_a_second_request_replaces_the_first(database: Database) -> None:
    """One row for each control, with the person who requested it last."""
    await request(database, "sync")
    first = await one(database, "SELECT requested_at FROM controls")
    await request(database, "sync", "cli:kenji")
    assert await rows(
        database, "SELECT name, requested_by, requested_at > :first AS later FROM controls", first=first
    ) == [{"name": "sync", "requested_by": "cli:kenji", "later": True}]
