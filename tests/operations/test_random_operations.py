"""Whatever people do, one after another or at once, and whatever the worker does meanwhile: the rows agree."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest
from procrastinate import App

from core.database import Database
from pipeline.operations.asking import Asking
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.errors import OperationRefused
from pipeline.operations.pause import pause, resume
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import From, retry
from pipeline.runs.overdue import raise_overdue
from pipeline.runs.rescue import reap, sweep
from pipeline.stage import StageContext, StageFailed
from tests.factories import STAGES, one, queued_deal, rows
from tests.operations.states import AUDIT
from tests.pipeline.staging import runner, stage

ROUNDS = 40
AT_ONCE = 4

ACTIVE = """
SELECT max(n) FROM (SELECT count(*) FILTER (WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING')) AS n
                    FROM pipeline_runs GROUP BY deal_id) AS counts
"""
CONTRADICTIONS = """
SELECT d.id, d.status AS deal, r.status AS run, s.status AS step FROM deals d
JOIN pipeline_runs r ON r.id = d.latest_run_id LEFT JOIN steps s ON s.run_id = r.id
WHERE d.status <> r.status OR r.number < (SELECT max(o.number) FROM pipeline_runs o WHERE o.deal_id = d.id)
   OR (s.status = 'RUNNING' AND r.status <> 'RUNNING')
   OR (s.status <> 'DONE' AND r.status = 'DONE')
"""
ATTEMPTS = "SELECT count(*) FROM step_attempts"
# A run that waits has a job, but while the queue is paused: a job that was delivered then is gone.
WITHOUT_JOB = """
SELECT r.id FROM pipeline_runs r WHERE r.status IN ('QUEUED', 'RETRYING')
AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.id = r.job_id AND j.status = 'todo')
"""


async def _deliver(database: Database, process: Callable[[int], Awaitable[None]]) -> None:
    """As a worker does: the job that is next is taken, and deleted at its end."""
    taken = await rows(
        database,
        """DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs WHERE status = 'todo'
           ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING (args->>'deal_id')::bigint AS deal""",
    )
    for job in taken:
        await process(job["deal"])


async def _sometimes_fails(_: StageContext) -> None:
    await asyncio.sleep(0)
    if random.random() < 0.1:
        raise StageFailed("Refused.")


def _moves(
    database: Database, asking: Asking, deals: Sequence[int], process: Callable[[int], Awaitable[None]]
) -> list[Callable[[], Awaitable[object]]]:
    return [
        lambda: retry(asking, random.choice(deals)),
        lambda: retry(asking, random.choice(deals), From(whole=True)),
        lambda: retry(asking, random.choice(deals), From(stage=random.choice(STAGES))),
        lambda: cancel(asking, random.choice(deals)),
        lambda: undo_cancel(asking, random.choice(deals)),
        lambda: process_now(asking, random.choice(deals)),
        lambda: pause(asking),
        lambda: resume(asking),
        lambda: _deliver(database, process),
        lambda: _deliver(database, process),
        lambda: reap(database),
        lambda: sweep(database),
        lambda: raise_overdue(database),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_rows_agree_after_any_operations(database: Database, app: App, asking: Asking, seed: int) -> None:
    """One active run a deal at most, deal and run and steps in one word, attempts only more; each has its audit row."""
    random.seed(seed)
    deals = [await queued_deal(database) for _ in range(3)]
    process = runner(database, app, *(stage(key, _sometimes_fails) for key in STAGES)).process
    moves, attempts, asked = _moves(database, asking, deals, process), 0, 0
    for _ in range(ROUNDS):
        chosen = [random.randrange(len(moves)) for _ in range(AT_ONCE)]
        asked += sum(move < 8 for move in chosen)
        for outcome in await asyncio.gather(*(moves[move]() for move in chosen), return_exceptions=True):
            assert outcome is None or not isinstance(outcome, BaseException) or isinstance(outcome, OperationRefused)
        assert await one(database, ACTIVE) <= 1
        assert await rows(database, CONTRADICTIONS) == []
        before, attempts = attempts, await one(database, ATTEMPTS)
        assert attempts >= before
    try:
        await resume(asking)
    except OperationRefused:
        await rows(database, "SELECT 1")
    assert len(await rows(database, AUDIT)) == asked + 1
    await rows(database, "UPDATE pipeline_runs SET created_at = now() - interval '1 minute' RETURNING id")
    await sweep(database)
    assert await rows(database, WITHOUT_JOB) == []
