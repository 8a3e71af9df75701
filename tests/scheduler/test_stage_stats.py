"""The percentiles are those of the last 24 hours, refreshed by the leading scheduler."""

import pytest
from sqlalchemy import text

from core.database import Database
from core.settings import Settings
from models import QUEUE_WAIT
from pipeline.operations.audited import OperationContext
from pipeline.operations.retry import retry
from pipeline.queue import Priority
from scheduler import stage_stats
from scheduler.jobs import JOBS
from scheduler.stage_stats import refresh_stage_stats
from tests import factories
from tests.factories import one, rows
from tests.pipeline.operations.states import failed_deal
from tests.scheduler.contexts import job_context

_TIMES = text("""
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM pipeline_runs), moved AS (
    UPDATE pipeline_runs AS r SET created_at = now() - interval '1 hour', ended_at = now(),
        queued_at = now() - interval '1 hour',
        started_at = now() - interval '1 hour' + n * interval '1 second'
    FROM numbered WHERE r.id = numbered.id
)
UPDATE steps AS s SET started_at = now() - n * interval '10 ms', ended_at = now()
FROM numbered WHERE s.run_id = numbered.id AND s.stage = 'fetch'
""")


async def test_percentiles_are_of_stages_and_of_the_wait(database: Database) -> None:
    """20 runs that waited 1 to 20 s, whose fetch took 10 to 200 ms."""
    for _ in range(20):
        await factories.done_deal(database)
    await database.run(_TIMES)
    await refresh_stage_stats(job_context(database))
    found = {row["stage"]: row for row in await rows(database, "SELECT * FROM stage_stats")}
    assert found.keys() == {*factories.STAGES, QUEUE_WAIT}
    assert {row["samples"] for row in found.values()} == {20}
    wait, fetch = found[QUEUE_WAIT], found["fetch"]
    assert (wait["p50"], wait["p95"], wait["p99"]) == pytest.approx((10.5, 19.05, 19.81))
    assert (fetch["p50"], fetch["p95"], fetch["p99"]) == pytest.approx((0.105, 0.1905, 0.1981))


async def test_runs_that_ended_yesterday_do_not_count(database: Database) -> None:
    """A stage without samples has no row, whatever it had before."""
    await factories.done_deal(database)
    await refresh_stage_stats(job_context(database))
    assert await one(database, "SELECT count(*) FROM stage_stats") == 7
    await database.run(text("UPDATE pipeline_runs SET ended_at = now() - interval '25 hours'"))
    await refresh_stage_stats(job_context(database))
    assert await one(database, "SELECT count(*) FROM stage_stats") == 0


async def test_failed_stages_and_the_backfill_do_not_count(database: Database) -> None:
    """A timeout is no sample of how long a stage takes, and backfilled deals may wait for hours."""
    await factories.done_deal(database)
    await database.run(text("UPDATE steps SET status = 'FAILED' WHERE stage = 'score'"))
    await database.run(text("UPDATE pipeline_runs SET priority = :low"), {"low": int(Priority.BACKFILL)})
    await refresh_stage_stats(job_context(database))
    stages = {row["stage"] for row in await rows(database, "SELECT stage FROM stage_stats")}
    assert stages == {*factories.STAGES} - {"score"}


async def test_a_carried_over_step_counts_once(database: Database) -> None:
    """With the run that executed it, however often a later stage is retried."""
    lease = await failed_deal(database, finished=2)
    context = OperationContext(database=database, actor="cli:ada", stages=factories.STAGES_JSON)
    await retry(context, lease.deal_id)
    await database.run(text("UPDATE pipeline_runs SET ended_at = now()"))
    await refresh_stage_stats(job_context(database))
    found = await rows(database, "SELECT stage, samples FROM stage_stats WHERE stage = ANY(:s)", s=[*factories.STAGES])
    assert {row["stage"]: row["samples"] for row in found} == dict.fromkeys(factories.STAGES[:2], 1)


async def test_of_many_runs_a_sample_is_measured(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many runs have ended, the sample has a fixed size."""
    for _ in range(10):
        await factories.done_deal(database)
    few = str(stage_stats._REFRESH).replace(f"/ {stage_stats.SAMPLED_RUNS}", "/ 5")
    monkeypatch.setattr(stage_stats, "_REFRESH", text(few))
    await refresh_stage_stats(job_context(database))
    assert 2 <= await one(database, "SELECT max(samples) FROM stage_stats") <= 5


def test_the_leader_refreshes_them_every_minute() -> None:
    """By one of its jobs."""
    assert [job.seconds(Settings()) for job in JOBS if job.run is refresh_stage_stats] == [60]
