"""The percentiles cover the last 24 hours and are refreshed by the leader."""

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
    """A stage without samples loses its row."""
    await factories.done_deal(database)
    await refresh_stage_stats(job_context(database))
    assert await one(database, "SELECT count(*) FROM stage_stats") == 7
    await database.run(text("UPDATE pipeline_runs SET ended_at = now() - interval '25 hours'"))
    await refresh_stage_stats(job_context(database))
    assert await one(database, "SELECT count(*) FROM stage_stats") == 0


async def test_failed_stages_and_the_backfill_do_not_count(database: Database) -> None:
    """A timeout is not a sample of a stage's duration, and the backfill has the lowest priority on purpose."""
    await factories.done_deal(database)
    await database.run(text("UPDATE steps SET status = 'FAILED' WHERE stage = 'score'"))
    await database.run(text("UPDATE pipeline_runs SET priority = :low"), {"low": int(Priority.BACKFILL)})
    await refresh_stage_stats(job_context(database))
    stages = {row["stage"] for row in await rows(database, "SELECT stage FROM stage_stats")}
    assert stages == {*factories.STAGES} - {"score"}


async def test_a_carried_over_step_counts_once(database: Database) -> None:
    """With the run that executed it, however often later stages are retried."""
    lease = await failed_deal(database, finished=2)
    context = OperationContext(database=database, actor="cli:ada", stages=factories.STAGE_NAMES)
    await retry(context, lease.deal_id)
    await database.run(text("UPDATE pipeline_runs SET ended_at = now()"))
    await refresh_stage_stats(job_context(database))
    found = await rows(database, "SELECT stage, samples FROM stage_stats WHERE stage = ANY(:s)", s=[*factories.STAGES])
    assert {row["stage"]: row["samples"] for row in found} == dict.fromkeys(factories.STAGES[:2], 1)


async def test_of_many_runs_only_a_sample_is_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their number has a limit."""
    for _ in range(10):
        await factories.done_deal(database)
    few = str(stage_stats._REFRESH).replace(f"/ {stage_stats.SAMPLED_RUNS}", "/ 5")
    monkeypatch.setattr(stage_stats, "_REFRESH", text(few))
    await refresh_stage_stats(job_context(database))
    assert 2 <= await one(database, "SELECT max(samples) FROM stage_stats") <= 5


def test_the_leader_refreshes_them_every_minute() -> None:
    assert [job.seconds(Settings()) for job in JOBS if job.run is refresh_stage_stats] == [60]


_RESUMED = """
INSERT INTO audit_events (at, actor, action, target, outcome, detail)
SELECT started_at + make_interval(secs => :seconds), 'cli:ada', 'resume', 'queue', CAST(:outcome AS audit_outcome), ''
FROM pipeline_runs
"""


_WAITED = f"SELECT p50 FROM stage_stats WHERE stage = '{QUEUE_WAIT}'"


async def moved(database: Database, assignment: str) -> None:
    """Make the stored times of the only run earlier."""
    await database.run(text(f"UPDATE {assignment}"))


async def started_behind_an_hour(database: Database) -> None:
    """A DONE run that was created an hour before a worker claimed it, and released from being held 8 s before."""
    await factories.done_deal(database)
    times = "created_at = started_at - interval '1 hour', queued_at = started_at - interval '8 seconds'"
    await moved(database, f"pipeline_runs SET {times}")


async def test_a_held_run_waits_since_its_release(database: Database) -> None:
    """The time of being held does not count."""
    await started_behind_an_hour(database)
    await refresh_stage_stats(job_context(database))
    assert await one(database, _WAITED) == 8


async def test_a_pause_does_not_count_as_waiting(database: Database) -> None:
    """The wait begins at the last successful resume before the run's start, however often the queue was paused."""
    await started_behind_an_hour(database)
    for seconds, outcome in ((-20, "DONE"), (-3, "DONE"), (-1, "REFUSED"), (60, "DONE")):
        await database.run(text(_RESUMED), {"seconds": seconds, "outcome": outcome})
    await refresh_stage_stats(job_context(database))
    assert await one(database, _WAITED) == 3
