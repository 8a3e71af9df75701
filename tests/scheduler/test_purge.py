"""The purge deletes rows that are older than their retention, and nothing else."""

import pytest
from sqlalchemy import text

from core.database import Database
from scheduler import purge as purging
from scheduler.jobs import JOBS
from tests.factories import one, queued_deal, rows, running_deal
from tests.scheduler.contexts import job_context


async def test_the_purge_keeps_recent_rows_and_each_deals_latest_run(database: Database) -> None:
    """Old ended runs, syncs and sessions are deleted; a deal's latest run and everything recent are kept."""
    await queued_deal(database)
    await running_deal(database)
    await rows(
        database,
        """WITH deal AS (SELECT id FROM deals LIMIT 1), old AS (
             INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
             SELECT id, 2, 'MANUAL', 'DONE', '[]', now() - interval '91 days' FROM deal RETURNING 1),
           latest AS (
             INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
             SELECT id, 3, 'MANUAL', 'DONE', '[]', now() - interval '91 days' FROM deal RETURNING id, deal_id),
           moved AS (UPDATE deals SET latest_run_id = latest.id FROM latest
             WHERE deals.id = latest.deal_id RETURNING 1),
           syncs AS (INSERT INTO sync_runs (kind, fence, outcome, ended_at)
             SELECT 'TAIL', 1, 'DONE', now() - make_interval(days => d) FROM generate_series(1, 40) AS d RETURNING 1)
           INSERT INTO sessions (id_hash, name, role, expires_at)
           VALUES ('a', 'old', 'admin', now() - interval '1 minute'), ('b', 'new', 'admin', now() + interval '1 hour')
           RETURNING 1""",
    )
    purge = next(job for job in JOBS if job.name == "purge")
    await purge.run(job_context(database))
    assert await rows(database, "SELECT number FROM pipeline_runs ORDER BY id") == [
        {"number": 1}, {"number": 1}, {"number": 3}
    ]  # fmt: skip
    assert await one(database, "SELECT count(*) FROM sync_runs") == 29
    assert await rows(database, "SELECT name FROM sessions") == [{"name": "new"}]


async def test_unused_snapshots_are_purged_after_an_hour(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read or only reserved, batch after batch; one that another transaction is writing is kept."""
    monkeypatch.setattr(purging, "BATCH", 2)
    for name in ("young", *(f"old {number}" for number in range(5)), "written"):
        await queued_deal(database, name=name)
    await rows(
        database,
        """INSERT INTO deal_snapshots (deal_id, read_at, content)
           SELECT id, now() - make_interval(mins => CASE name WHEN 'young' THEN 59 ELSE 61 END),
                  CASE WHEN id % 2 = 0 THEN CAST('{}' AS jsonb) END FROM deals RETURNING 1""",
    )
    kept = "SELECT d.name FROM deal_snapshots AS s JOIN deals AS d ON d.id = s.deal_id ORDER BY d.id"
    being_written = "SELECT FROM deal_snapshots WHERE deal_id = (SELECT max(id) FROM deals) FOR UPDATE"
    async with database.write() as session:
        await session.execute(text(being_written))
        await purging.purge(job_context(database))
    assert await rows(database, kept) == [{"name": "young"}, {"name": "written"}]


async def test_a_table_that_cannot_be_purged_stops_no_other(database: Database) -> None:
    """Here the first, which is missing."""
    await rows(
        database,
        """INSERT INTO sessions (id_hash, name, role, expires_at)
           VALUES ('a', 'old', 'admin', now() - interval '1 minute') RETURNING 1""",
    )
    await database.run(text("ALTER TABLE pipeline_runs RENAME TO lost_runs"))
    await purging.purge(job_context(database))
    assert await one(database, "SELECT count(*) FROM sessions") == 0


async def test_rows_of_the_same_time_are_neither_skipped_nor_read_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches end among them; every third run is the latest of its deal, and stays."""
    monkeypatch.setattr(purging, "BATCH", 2)
    for _ in range(3):
        await queued_deal(database)
    await rows(
        database,
        """WITH old AS (
             INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
             SELECT id, number, 'MANUAL', 'DONE', '[]', '2020-01-01' FROM deals, generate_series(2, 4) AS number
             RETURNING id, deal_id, number)
           UPDATE deals SET latest_run_id = old.id FROM old WHERE old.deal_id = deals.id AND number = 3 RETURNING 1""",
    )
    await purging.purge(job_context(database))
    kept = "SELECT number, count(*) FROM pipeline_runs GROUP BY number ORDER BY number"
    assert await rows(database, kept) == [{"number": 1, "count": 3}, {"number": 3, "count": 3}]
