"""Who did what is added to, and neither changed nor deleted; what is older than its retention goes."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import BulkKind
from pipeline.operations.asking import Asking
from pipeline.operations.bulk import start_bulk
from pipeline.operations.cancel import cancel
from pipeline.operations.errors import NotHeld, NothingSelected
from pipeline.operations.held import _decide, approve, drop
from pipeline.operations.requests import request
from pipeline.operations.selection import Selection
from scheduler.purge import purge
from scheduler.requests import is_open
from tests.factories import one, queued_deal, rows
from tests.operations.states import AUDIT, held_deal
from tests.scheduler.contexts import job_context

AGED = """
INSERT INTO audit_events (at, actor, action, target, outcome, detail)
SELECT now() - make_interval(days => :days), 'cli:ada', 'pause', 'queue', 'DONE', 'x' FROM generate_series(1, :count)
RETURNING id
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_events WHERE set_config('deal_queue.purge', 'audit_events', true) <> ''",
    ],
)
async def test_no_row_is_changed_or_deleted(database: Database, asking: Asking, statement: str) -> None:
    """Not even by whoever owns the table; a row of today not even by whoever says that it is the purge."""
    await cancel(asking, await queued_deal(database))
    with pytest.raises(DBAPIError, match="append-only"):
        await database.run(text(statement))
    assert len(await rows(database, AUDIT)) == 1


async def test_the_purge_takes_what_is_older_than_its_retention(database: Database) -> None:
    """In batches; a year by default."""
    await rows(database, AGED, days=366, count=2_500)
    await rows(database, AGED, days=364, count=3)
    await purge(job_context(database))
    assert await one(database, "SELECT count(*) FROM audit_events") == 3


async def test_a_secret_among_the_arguments_is_not_kept(database: Database, asking: Asking) -> None:
    """Whatever it was given for, and though it was refused."""
    with pytest.raises(NothingSelected):
        await start_bulk(asking, BulkKind.CANCEL, Selection(owner="pat-na1-0123456-secret-abcdef"))
    (event,) = await rows(database, AUDIT)
    assert (event["outcome"], event["arguments"]) == ("REFUSED", {"owner": "pat-na1-01***"})


async def test_a_held_storm_is_approved_or_dropped(database: Database, asking: Asking) -> None:
    """All of it, with the audit row; then nothing is held."""
    for _ in range(3):
        await held_deal(database)
    assert (await approve(asking)).sentence == "3 held runs approved."
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == 3
    await held_deal(database)
    assert (await drop(asking)).sentence == "1 held run dropped."
    with pytest.raises(NotHeld):
        await approve(asking)
    told = [(row["action"], row["outcome"]) for row in await rows(database, AUDIT)]
    assert told == [("approve", "DONE"), ("drop", "DONE"), ("approve", "REFUSED")]


async def test_what_somebody_else_decides_meanwhile_is_no_refusal(database: Database, asking: Asking) -> None:
    """Of three runs one is approved here, and then none is left."""
    for _ in range(3):
        await held_deal(database)
    left = [1, 0]

    async def decide(_: AsyncSession) -> int:
        return left.pop(0)

    assert (await _decide(asking, "approve", decide, lambda _: None)).sentence == "1 held run approved."


async def test_the_scheduler_is_asked_by_a_row(database: Database, asking: Asking) -> None:
    """Which stays open until it is done."""
    await request(asking, "sync")
    assert await is_open(database, "sync")
    assert not await is_open(database, "reconcile")
    assert [row["action"] for row in await rows(database, AUDIT)] == ["sync"]
