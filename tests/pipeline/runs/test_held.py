"""Releases or drops the runs that the storm guard holds, a batch at a time."""

import pytest

from core.database import Database
from pipeline.runs import held
from pipeline.runs.store import RunStore
from tests.factories import one, queued_deal, rows
from tests.pipeline.operations.states import held_deal, last_run


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "BATCH", 2)


async def test_held_runs_are_released_in_batches_the_oldest_first(database: Database) -> None:
    """Each with a job; it counts as waiting from then on. A run that is not held gets no second job."""
    queued = await queued_deal(database)
    deals = [await held_deal(database) for _ in range(3)]
    assert await RunStore.count_held(database) == 3
    async with database.write() as session:
        assert await RunStore.release_held(session) == 2
    assert [(await last_run(database, deal))["jobs"] for deal in [*deals, queued]] == [1, 1, 0, 1]
    waited = "SELECT count(*) FROM pipeline_runs WHERE deal_id = :id AND reason IS NULL AND queued_at > created_at"
    assert await one(database, waited, id=deals[0]) == 1
    assert await RunStore.count_held(database) == 1
    async with database.write() as session:
        assert [await RunStore.release_held(session) for _ in range(2)] == [1, 0]


async def test_held_runs_are_dropped_in_batches(database: Database) -> None:
    """Run and deal are CANCELLED, without a job; the reason still shows that the run was held."""
    deals = [await held_deal(database) for _ in range(3)]
    async with database.write() as session:
        assert await RunStore.drop_held(session) == 2
    assert [(await last_run(database, deal))["deal"] for deal in deals] == ["CANCELLED", "CANCELLED", "QUEUED"]
    assert await rows(database, "SELECT reason, count(*) FROM pipeline_runs GROUP BY 1") == [
        {"reason": "HELD", "count": 3}
    ]
    assert await one(database, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_two_transactions_release_different_runs(database: Database) -> None:
    """The second one skips the runs that the first has locked, and does not wait."""
    for _ in range(3):
        await held_deal(database)
    async with database.write() as first, database.write() as second:
        assert await RunStore.release_held(first) == 2
        assert await RunStore.release_held(second) == 1
    assert await RunStore.count_held(database) == 0
