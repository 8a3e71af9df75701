"""Held runs are approved or dropped, in batches; several people may decide at once."""

import pytest
from sqlalchemy import text

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.errors import NotHeld
from pipeline.operations.held import decide_held
from pipeline.runs import held
from tests.factories import one, rows
from tests.pipeline.operations.states import AUDIT, held_deal

LOCK = text("SELECT id FROM pipeline_runs WHERE reason = 'HELD' AND status = 'QUEUED' ORDER BY id LIMIT 2 FOR UPDATE")


async def test_a_held_storm_is_approved_or_dropped(database: Database, context: OperationContext) -> None:
    """All of it, with the audit row; then nothing is held."""
    for _ in range(3):
        await held_deal(database)
    assert (await decide_held(context, "approve")).sentence == "3 held runs approved."
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == 3
    await held_deal(database)
    assert (await decide_held(context, "drop")).sentence == "1 held run dropped."
    with pytest.raises(NotHeld):
        await decide_held(context, "approve")
    audited = [(row["action"], row["outcome"]) for row in await rows(database, AUDIT)]
    assert audited == [("approve", "DONE"), ("drop", "DONE"), ("approve", "REFUSED")]


async def test_runs_that_another_person_decides_about_are_no_refusal(
    database: Database, context: OperationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three runs two are locked by another decision: one is approved, and then none is left; one by one as well."""
    for batch in (held.BATCH, 1):
        monkeypatch.setattr(held, "BATCH", batch)
        for _ in range(3):
            await held_deal(database)
        async with database.write() as other:
            assert len((await other.execute(LOCK)).all()) == 2
            assert (await decide_held(context, "approve")).sentence == "1 held run approved."
        await decide_held(context, "drop")


async def test_each_batch_reports_the_number_so_far(
    database: Database, context: OperationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one audit row each; runs that are held after the start are left to the next decision."""
    monkeypatch.setattr(held, "BATCH", 2)
    for _ in range(3):
        await held_deal(database)
    counts = []

    async def hold_another(count: int) -> None:
        counts.append(count)
        await held_deal(database)

    result = await decide_held(context, "drop", hold_another)
    assert counts == [2, 4]
    assert result.sentence == "4 held runs dropped."
    assert [row["detail"] for row in await rows(database, AUDIT)] == ["2 held runs dropped."] * 2
