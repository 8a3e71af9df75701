"""An operation and its audit row are one transaction; audit rows are never changed, and purged by age only."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database import Database
from models import BulkKind
from models.deal_filter import DealFilter
from pipeline.operations.audited import Action, OperationContext, audited
from pipeline.operations.bulk import start_bulk
from pipeline.operations.cancel import cancel
from pipeline.operations.errors import NotFound, NothingSelected
from scheduler.purge import purge
from tests.factories import one, queued_deal, rows
from tests.pipeline.operations.states import ADA, AUDIT
from tests.scheduler.contexts import job_context

AGED = """
INSERT INTO audit_events (at, actor, action, target, outcome, detail)
SELECT now() - make_interval(days => :days), 'cli:ada', 'pause', 'queue', 'DONE', 'x' FROM generate_series(1, :count)
RETURNING id
"""


PAUSE = Action("pause", "queue", {"why": None, "until": "noon"})
WRITE = text("INSERT INTO controls (name, requested_by) VALUES ('test', 'cli:ada')")
WRITTEN = "SELECT count(*) FROM controls"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_events WHERE set_config('deal_queue.purge', 'audit_events', true) <> ''",
    ],
)
async def test_no_row_is_changed_or_deleted(database: Database, context: OperationContext, statement: str) -> None:
    """Not by the owner of the table; a row of today not even by a statement that names itself the purge."""
    await cancel(context, await queued_deal(database))
    with pytest.raises(DBAPIError, match="append-only"):
        await database.run(text(statement))
    assert len(await rows(database, AUDIT)) == 1


async def test_the_purge_takes_what_is_older_than_its_retention(database: Database) -> None:
    """In batches; a year by default."""
    await rows(database, AGED, days=366, count=2_500)
    await rows(database, AGED, days=364, count=3)
    await purge(job_context(database))
    assert await one(database, "SELECT count(*) FROM audit_events") == 3


async def test_a_secret_among_the_arguments_is_not_kept(database: Database, context: OperationContext) -> None:
    """Whatever it was given for, and though it was refused."""
    with pytest.raises(NothingSelected):
        await start_bulk(context, BulkKind.CANCEL, DealFilter(owner="pat-na1-0123456-secret-abcdef"))
    (event,) = await rows(database, AUDIT)
    assert (event["outcome"], event["arguments"]) == ("REFUSED", {"owner": "pat-na1-01***"})


async def test_what_is_done_is_recorded_with_it(database: Database, context: OperationContext) -> None:
    """Arguments that were not given are left out."""
    async with audited(context, PAUSE) as operation:
        await operation.session.execute(WRITE)
        operation.done("The queue is paused.")
        assert await rows(database, AUDIT) == []
    assert await one(database, WRITTEN) == 1
    assert await rows(database, AUDIT) == [
        {"actor": ADA, "action": "pause", "target": "queue", "arguments": {"until": "noon"}, "outcome": "DONE",
         "detail": "The queue is paused."}
    ]  # fmt: skip


async def write(context: OperationContext, error: Exception | None) -> None:
    """An operation that ends without a result, or with an error."""
    async with audited(context, PAUSE) as operation:
        await operation.session.execute(WRITE)
        if error:
            raise error


async def test_a_refusal_undoes_the_operation_and_is_recorded(database: Database, context: OperationContext) -> None:
    """With its reason, and the caller gets it."""
    refused = NotFound("No such queue.")
    with pytest.raises(NotFound) as raised:
        await write(context, refused)
    assert raised.value is refused
    assert await one(database, WRITTEN) == 0
    assert [(row["outcome"], row["detail"]) for row in await rows(database, AUDIT)] == [("REFUSED", "No such queue.")]


@pytest.mark.parametrize("error", [ValueError("wrong"), None])
async def test_an_error_leaves_nothing(database: Database, context: OperationContext, error: Exception | None) -> None:
    """Neither what was written nor an audit row; an operation that ends without a result is an error too."""
    with pytest.raises(ValueError if error else AttributeError):
        await write(context, error)
    assert await one(database, WRITTEN) == 0
    assert await rows(database, AUDIT) == []


async def test_an_operation_on_a_bulk_item_joins_its_transaction(database: Database, context: OperationContext) -> None:
    """A refusal undoes the operation, not the item; neither leaves an audit row."""
    async with database.write() as session:
        item = replace(context, item_session=session)
        with pytest.raises(NotFound):
            await write(item, NotFound("No such queue."))
        assert (await session.execute(text(WRITTEN))).scalar() == 0
        async with audited(item, PAUSE) as operation:
            await operation.session.execute(WRITE)
            operation.done("The queue is paused.")
    assert await one(database, WRITTEN) == 1
    assert await rows(database, AUDIT) == []
