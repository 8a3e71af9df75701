"""The migrations create the declared schema, can be undone and repeated, and are safe to run at the same time."""

import asyncio
import difflib
import importlib.resources
import subprocess
from pathlib import Path

from sqlalchemy import text

from core.database import Database
from deploy.postgres import Cluster
from migrations.frozen import SQL_FOLDER
from migrations.head import HEAD_REVISION
from migrations.upgrade import migrate
from models import metadata
from tests.factories import one, queued_deal, rows

OUR_HEADER_LINES = 2


def dump(cluster: Cluster, url: str) -> list[str]:
    """The output of `pg_dump -s`, sorted by statement, so that the order of creation does not matter."""
    command = [str(cluster.placement.bin_dir / "pg_dump"), "-s", "--no-owner", "-T", "alembic_version", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in out.splitlines() if line and not line.startswith(("--", "SET ", "\\", "SELECT "))]
    return sorted("\n".join(lines).split(";\n"))


async def declare(url: str) -> None:
    """A database with what models/ and Procrastinate's frozen SQL declare, created without a migration."""
    database = Database.connect(url, name="declared", pool_size=1)
    async with database.engine.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        for name in ("procrastinate_3_10.sql", "queue_tuning.sql", "quiet_queue.sql"):
            await driver.execute((SQL_FOLDER / name).read_text())
        await connection.run_sync(metadata.create_all)
    await database.close()


async def test_the_migrated_schema_is_the_declared_one(
    cluster: Cluster, database_url: str, empty_database_url: str
) -> None:
    """Tables, columns, enums, constraints, indexes with their predicates: the same by pg_dump."""
    await declare(empty_database_url)
    migrated, declared = dump(cluster, database_url), dump(cluster, empty_database_url)
    assert any("uq_pipeline_runs_active" in statement and "WHERE" in statement for statement in migrated)
    assert "\n".join(difflib.unified_diff(declared, migrated, "declared", "migrated", lineterm="", n=0)) == ""


async def test_down_and_up_again_is_the_same(cluster: Cluster, database_url: str) -> None:
    """A downgrade removes everything that the upgrade created, so the next upgrade succeeds."""
    before = dump(cluster, database_url)
    await migrate(database_url, "base")
    assert [line for line in dump(cluster, database_url) if line.strip()] == []
    await migrate(database_url)
    assert dump(cluster, database_url) == before


async def test_data_survives_an_upgrade_that_has_nothing_to_do(database: Database, database_url: str) -> None:
    """A migration at each start changes nothing when the database is current."""
    await queued_deal(database)
    await migrate(database_url)
    assert await one(database, "SELECT count(*) FROM deals") == 1


async def test_three_migrators_at_once_all_succeed(empty_database_url: str) -> None:
    """One migrates; the others wait for it and then have nothing to do."""
    await asyncio.gather(*(migrate(empty_database_url) for _ in range(3)))
    database = Database.connect(empty_database_url, name="test", pool_size=1)
    assert await rows(database, "SELECT version_num FROM alembic_version") == [{"version_num": HEAD_REVISION}]
    await database.close()


async def test_every_index_is_valid(database: Database) -> None:
    """A failed concurrent build would leave an invalid index, which no query uses and IF NOT EXISTS keeps."""
    assert await rows(database, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid") == []


UNINDEXED = """
SELECT c.conrelid::regclass::text AS referencing, c.conname FROM pg_constraint AS c
WHERE c.contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = c.conrelid AND i.indisvalid
      AND (i.indkey::int2[])[0 : cardinality(c.conkey) - 1] @> c.conkey
      AND coalesce(pg_get_expr(i.indpred, i.indrelid), 'NOT NULL') ~ 'NOT NULL')
"""


async def test_every_foreign_key_has_an_index_where_it_refers_from(database: Database) -> None:
    """Without one, each row that is deleted from the table that it refers to reads the whole referencing table."""
    assert await rows(database, UNINDEXED) == []


async def test_only_core_extensions_are_used(database: Database) -> None:
    """The embedded server has no contrib modules."""
    assert await rows(database, "SELECT extname FROM pg_extension") == [{"extname": "plpgsql"}]


def test_the_frozen_procrastinate_schema_is_the_installed_one() -> None:
    """A release of Procrastinate with another schema needs a new revision."""
    frozen = (SQL_FOLDER / "procrastinate_3_10.sql").read_text().splitlines()[OUR_HEADER_LINES:]
    installed = Path(str(importlib.resources.files("procrastinate") / "sql" / "schema.sql")).read_text().splitlines()
    assert frozen == installed


async def test_a_migration_fails_soon_on_a_busy_table(database: Database, database_url: str) -> None:
    """It fails after its lock timeout and changes nothing, instead of blocking other sessions."""
    async with database.write() as session:
        tables = "hubspot_answers, deals, pipeline_runs, procrastinate_jobs, controls"
        await session.execute(text(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE"))
        async with asyncio.timeout(10):
            outcome = await asyncio.gather(migrate(database_url, "base"), return_exceptions=True)
    assert "lock timeout. A longer transaction uses the table: run the migration again when it" in str(outcome[0])

    assert await one(database, "SELECT version_num FROM alembic_version") == HEAD_REVISION
