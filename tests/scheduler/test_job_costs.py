"""What the jobs and the status read in a database that has grown: nearly nothing, however many rows have ended."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from core.database import Database
from deploy.postgres import Cluster
from models import SyncKind
from resolvers.missing_deal import missing_deal
from resolvers.queue import queue_page
from resolvers.queue_position import queue_position
from resolvers.sync import sync_status
from scheduler import purge
from scheduler.jobs import JOBS
from scheduler.sync.sync_runs import close_interrupted_syncs, start_sync_run
from tests.factories import one
from tests.scheduler.contexts import job_context

DEALS = 30_000
# Of 30,000 deals, runs and syncs; a scan of one of these tables reads ten times as many.
MOST_ROWS = 3_000

# All runs but thirty ended long ago; the deals that the queue would show first are in the recycle bin.
_GROW = f"""
INSERT INTO deals (hubspot_deal_id, properties, properties_read_at, content_hash, hubspot_modified_at, status,
                   updated_at, archived_at, recheck_at)
SELECT (880000 + n)::text, '{{}}', now(), '', now(), CASE WHEN n <= 30 THEN 'QUEUED' ELSE 'DONE' END::run_status,
       now() + n * interval '1 ms', CASE WHEN n > {DEALS // 2} THEN now() END, now() + interval '1 day'
FROM generate_series(1, {DEALS}) AS n;
INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at, started_at, created_at)
SELECT id, 1, 'NEW', status, '[]', CASE WHEN status = 'DONE' THEN now() - id * interval '8 min' END,
       CASE WHEN status = 'DONE' THEN now() - id * interval '8 min' END, now() - id * interval '8 min'
FROM deals;
UPDATE deals AS d SET latest_run_id = r.id FROM pipeline_runs AS r WHERE r.deal_id = d.id;
INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages, ended_at)
SELECT id, 0, 'NEW', 'DONE', '[]', now() - interval '100 days' - id * interval '1 s' FROM deals WHERE id % 60 = 0;
WITH jobs AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, args)
    SELECT 'deals', 'process_deal', jsonb_build_object('deal_id', deal_id) FROM pipeline_runs WHERE status = 'QUEUED'
    RETURNING id, (args ->> 'deal_id')::bigint AS deal_id
)
UPDATE pipeline_runs AS r SET job_id = j.id FROM jobs AS j WHERE r.deal_id = j.deal_id;
INSERT INTO steps (run_id, position, stage, status, attempts, started_at, ended_at)
SELECT id, 0, 'fetch', 'DONE', 1, ended_at, ended_at FROM pipeline_runs WHERE status = 'DONE';
INSERT INTO sync_runs (kind, outcome, fence, started_at, ended_at)
SELECT 'TAIL', CASE WHEN n % 100 = 0 THEN 'FAILED' ELSE 'DONE' END::sync_outcome, 1,
       now() - ({DEALS} - n) * interval '1 min', now() - ({DEALS} - n) * interval '1 min'
FROM generate_series(1, {DEALS}) AS n;
INSERT INTO audit_events (at, actor, action, target, outcome, detail)
SELECT now() - n * interval '1 min', 'cli:ada', 'retry', 'deal:1', 'DONE', 'Done.'
FROM generate_series(1, {DEALS}) AS n;
"""

_READ = text("""
SELECT t.relname, t.seq_tup_read + coalesce(t.idx_tup_fetch, 0) + coalesce(
    (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid), 0)::bigint AS read
FROM pg_stat_user_tables AS t
""")


@pytest.fixture(scope="module")
def grown_url(cluster: Cluster, template: str) -> Iterator[str]:
    """A database with 30,000 deals, for all tests of this module."""
    cluster.create_database("grown", template=template)
    with psycopg.connect(cluster.url("grown"), autocommit=True) as connection:
        connection.execute(_GROW)
        connection.execute("VACUUM ANALYZE")
    yield cluster.url("grown")
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE grown WITH (FORCE)"))


@pytest.fixture
async def grown(grown_url: str) -> AsyncIterator[Database]:
    """With one connection, whose statistics can be read at once."""
    connected = Database.connect(grown_url, name="test", pool_size=1)
    yield connected
    await connected.close()


async def _rows_read(database: Database) -> dict[str, int]:
    """Rows and index entries read of each table so far."""
    await database.run(text("SELECT pg_stat_force_next_flush()"))
    return {row.relname: row.read for row in await database.run(_READ)}


async def _read_by(database: Database, work: Callable[[], Awaitable[object]]) -> dict[str, int]:
    before = await _rows_read(database)
    await work()
    after = await _rows_read(database)
    return {table: count - before[table] for table, count in after.items() if count > before[table]}


@pytest.mark.parametrize(
    "name",
    ["bulk", "rerun", "recheck", "reap", "sweep", "repair", "overdue", "access", "stage stats"],
)
async def test_a_job_reads_no_table_that_only_grows(grown: Database, name: str) -> None:
    """Only what waits, runs or has just ended, found by an index."""
    job = next(job for job in JOBS if job.name == name)
    read = await _read_by(grown, lambda: job.run(job_context(grown)))
    assert sum(read.values()) <= MOST_ROWS, read


READS: dict[str, Callable[[Database], Awaitable[object]]] = {
    "syncStatus": lambda database: sync_status(database, interval_seconds=5),
    "missing deal": lambda database: missing_deal(database, "1"),
    "queue position": lambda database: queue_position(database, 20),
    "first page of the queue": lambda database: queue_page(database, limit=50, before=None),
    "take-over": lambda database: close_interrupted_syncs(database, 2),
    "start of a sync": lambda database: start_sync_run(database, SyncKind.TAIL, fence=2, now=0.0),
}


@pytest.mark.parametrize("name", READS)
async def test_a_frequent_read_reads_no_table_that_only_grows(grown: Database, name: str) -> None:
    """What the page polls, and what each sync begins with."""
    read = await _read_by(grown, lambda: READS[name](grown))
    assert sum(read.values()) <= MOST_ROWS, read


async def test_the_purge_reads_each_old_row_once(grown: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many batches it needs; no foreign key makes a deleted run read all deals."""
    monkeypatch.setattr(purge, "BATCH", 200)
    read = await _read_by(grown, lambda: purge.purge(job_context(grown)))
    assert await one(grown, "SELECT count(*) FROM pipeline_runs WHERE number = 0") == 0
    # Of each old run its entry, its row and its deal's entry; and all over again for those that are deleted.
    assert sum(read.values()) <= 8 * DEALS, read
