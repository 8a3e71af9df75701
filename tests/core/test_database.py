"""Reads are single statements, writes are one transaction, and a process waits for an unavailable database."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database, wait_for_database
from deploy.postgres import Cluster, throwaway_cluster
from migrations.head import HEAD_REVISION
from migrations.upgrade import migrate
from tests.factories import one


async def test_a_write_is_whole_or_absent(database: Database) -> None:
    """An exception rolls back everything that the block has done."""
    await database.run(text("CREATE TABLE notes (note text)"))
    with pytest.raises(RuntimeError):
        await _write_and_fail(database)
    assert await one(database, "SELECT count(*) FROM notes") == 0


async def _write_and_fail(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO notes VALUES ('half')"))
        raise RuntimeError


async def test_a_read_holds_no_transaction(database: Database) -> None:
    """AUTOCOMMIT: two statements of one read session are two transactions."""
    async with database.read() as session:
        first = await session.scalar(text("SELECT pg_current_xact_id()"))
        assert await session.scalar(text("SELECT pg_current_xact_id()")) != first


async def test_a_process_waits_for_the_migration(cluster: Cluster, empty_database_url: str) -> None:
    """Started before the tables exist, it continues once they do."""
    database = Database.connect(empty_database_url, name="test", pool_size=1)
    waiting = asyncio.create_task(wait_for_database(database, revision=HEAD_REVISION, pause_seconds=0.05))
    await asyncio.sleep(0)
    assert not waiting.done()
    await migrate(empty_database_url)
    async with asyncio.timeout(10):
        await waiting
    await database.close()


@pytest.mark.timeout(90)
async def test_a_process_waits_for_a_server_that_is_down() -> None:
    """It does not exit: supervisord would stop restarting it after some time."""
    with throwaway_cluster() as cluster:
        cluster.stop()
        database = Database.connect(cluster.url("postgres"), name="test", pool_size=1)
        waiting = asyncio.create_task(wait_for_database(database, pause_seconds=0.05))
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        await asyncio.to_thread(cluster.start, cluster.data_dir.parent / "again.log")
        async with asyncio.timeout(20):
            await waiting
        await database.close()
