"""The disk is full: runs wait, nobody is blamed, and all goes on when there is space again."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from deploy.postgres import throwaway_cluster
from migrations.upgrade import migrate
from tests.crash.deals import queue_deals
from tests.crash.disk import Disk, NoDisk, small_disk
from tests.crash.ground import Ground, open_ground
from tests.crash.outcome import at_rest, each_effect_once, each_stage_once
from tests.crash.rescuer import rescuing

DEALS = 20
UNDER_WAY = "SELECT 1 FROM steps WHERE position = 1 AND status = 'DONE'"
# What lies on the small disk.
MOVES = """
ALTER TABLE steps SET TABLESPACE small; ALTER INDEX pk_steps SET TABLESPACE small;
ALTER TABLE step_attempts SET TABLESPACE small; ALTER INDEX pk_step_attempts SET TABLESPACE small;
"""
REFUSED = "SELECT 1 FROM step_attempts WHERE error_type = 'ResultNotStored' AND error_message LIKE '%No space left%'"
RETRYING = "SELECT 1 FROM pipeline_runs WHERE status = 'RETRYING'"
LEASES = "SELECT 1 FROM pipeline_runs WHERE lease_until > clock_timestamp()"
ACCUSED = "SELECT 1 FROM run_crashes"


@pytest.fixture
def disk() -> Iterator[Disk]:
    try:
        with small_disk() as mounted:
            yield mounted
    except NoDisk as error:
        pytest.skip(str(error))


@pytest.fixture
def database_url(disk: Disk) -> Iterator[str]:
    """Of a server of its own: it ends before its disk does."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with throwaway_cluster() as cluster:
        os.chown(disk.folder, cluster.account.uid, cluster.account.gid)
        cluster.create_database("full")
        url = cluster.url("full")
        asyncio.run(migrate(url))
        _move_steps(url, disk)
        yield url


def _move_steps(url: str, disk: Disk) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(disk.folder)))
        connection.execute(MOVES)


@contextmanager
def _filled(database_url: str, disk: Disk, lease_seconds: float) -> Iterator[Ground]:
    """Twenty deals in the middle of their stages, and not one byte for what they want to write."""
    with open_ground(database_url) as ground, rescuing(database_url):
        queue_deals(database_url, DEALS)
        ground.started(stage_seconds=0.1, concurrency=DEALS, lease_seconds=lease_seconds, database_retry_seconds=2.0)
        ground.until(lambda: ground.rows(UNDER_WAY), seconds=20, what="runs under way")
        disk.fill()
        ground.until(lambda: "run.not_released" in ground.tail(), seconds=20, what="a write that is refused")
        yield ground


@pytest.fixture
def filled(database_url: str, disk: Disk) -> Iterator[Ground]:
    """As in the product, where a lease outlives a moment without space."""
    with _filled(database_url, disk, 15.0) as ground:
        yield ground


@pytest.fixture
def filled_for_long(database_url: str, disk: Disk) -> Iterator[Ground]:
    """Every lease is over meanwhile."""
    with _filled(database_url, disk, 3.0) as ground:
        ground.until(lambda: not ground.rows(LEASES), seconds=20, what="the end of all leases")
        yield ground


def _unharmed(ground: Ground) -> None:
    """Everything is done once, and no stage has used up an attempt."""
    at_rest(ground, seconds=40)
    each_stage_once(ground)
    each_effect_once(ground)
    assert ground.rows("SELECT sum(failures)::int AS n FROM steps") == [{"n": 0}]


def test_row_22_the_disk_is_full(filled: Ground, disk: Disk) -> None:
    """Its worker keeps each run until it can be left, as RETRYING with the database's own words: no crash."""
    disk.empty()
    filled.until(lambda: filled.rows(RETRYING), seconds=10, what="a run that is tried again later")
    _unharmed(filled)
    assert filled.rows(REFUSED)
    assert filled.rows("SELECT sum(crashes)::int AS n FROM pipeline_runs") == [{"n": 0}]


def test_row_22_the_disk_is_full_for_longer_than_a_lease(filled_for_long: Ground, disk: Disk) -> None:
    """Then the runs are taken from their worker; it lives, and says so, and nothing is held against them."""
    disk.empty()
    _unharmed(filled_for_long)
    filled_for_long.until(lambda: not filled_for_long.rows(ACCUSED), seconds=10, what="the worker's word for its runs")
    assert filled_for_long.rows("SELECT sum(crashes)::int AS n FROM pipeline_runs") == [{"n": 0}]
