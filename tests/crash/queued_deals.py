"""Deals for the workers, stored as the sync stores a page; duplicates of their jobs; cut connections."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import text

from core.database import Database
from pipeline.queue import DEFERRED_JOBS
from tests.factories import deal_row, store

# `copies` more jobs for each of these deals, as if they had been delivered again.
_DUPLICATE = text(f"""
WITH wanted AS (
    SELECT d.id AS deal_id, 10 AS priority, NULL::timestamptz AS next_attempt_at, row_number() OVER () AS n
    FROM deals AS d, generate_series(1, :copies) WHERE d.id = ANY(CAST(:deal_ids AS bigint[]))
) {DEFERRED_JOBS}
""")


def queue_deals(database_url: str, count: int) -> None:
    """`count` QUEUED deals with their runs and jobs, in one transaction."""
    asyncio.run(_with_database(database_url, store_deals, count))


def duplicate_jobs(database_url: str, deal_ids: Sequence[int], copies: int = 20) -> None:
    asyncio.run(_with_database(database_url, add_duplicate_jobs, deal_ids, copies))


async def store_deals(database: Database, count: int) -> None:
    await store(database, *(deal_row() for _ in range(count)))


async def add_duplicate_jobs(database: Database, deal_ids: Sequence[int], copies: int) -> None:
    await database.run(_DUPLICATE, {"deal_ids": list(deal_ids), "copies": copies})


async def _with_database(database_url: str, work: Any, *arguments: Any) -> None:
    database = Database.connect(database_url, name="test", pool_size=1)
    try:
        await work(database, *arguments)
    finally:
        await database.close()


def cut_connections(database_url: str) -> int:
    """End every other connection to this database, as a failover does; returns how many there were."""
    query = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])
