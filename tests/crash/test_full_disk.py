"""The disk is full: runs wait, none counts as crashed, and all continue when there is space again."""

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
from tests.crash.crash_environment import CrashEnvironment, open_environment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, wait_until_all_done
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import run_reaper
from tests.crash.small_disk import Disk, DiskUnavailable, small_disk

DEALS = 20
IN_PROGRESS = "SELECT 1 FROM steps WHERE position = 1 AND status = 'DONE'"
# What is stored on the small disk.
MOVE_TABLES = """
ALTER TABLE steps SET TABLESPACE small; ALTER INDEX pk_steps SET TABLESPACE small;
ALTER TABLE step_attempts SET TABLESPACE small; ALTER INDEX pk_step_attempts SET TABLESPACE small;
"""
REFUSED = "SELECT 1 FROM step_attempts WHERE error_type = 'ResultNotStored' AND error_message LIKE '%No space left%'"
RETRYING = "SELECT 1 FROM pipeline_runs WHERE status = 'RETRYING'"
LEASES = "SELECT 1 FROM pipeline_runs WHERE lease_until > clock_timestamp()"
SUSPICIONS = "SELECT 1 FROM run_crashes"


@pytest.fixture
def disk() -> Iterator[Disk]:
    try:
        with small_disk() as mounted:
            yield mounted
    except DiskUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def database_url(disk: Disk) -> Iterator[str]:
    """On a server for this test alone, which ends before its disk is unmounted."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with throwaway_cluster() as cluster:
        os.chown(disk.folder, cluster.account.uid, cluster.account.gid)
        cluster.create_database("full")
        url = cluster.url("full")
        asyncio.run(migrate(url))
        _move_tables(url, disk)
        yield url


def _move_tables(url: str, disk: Disk) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(disk.folder)))
        connection.execute(MOVE_TABLES)


@contextmanager
def _filled(database_url: str, disk: Disk, lease_seconds: float) -> Iterator[CrashEnvironment]:
    """Twenty runs in the middle of their stages, and no space for what they write."""
    with open_environment(database_url) as environment, run_reaper(database_url):
        queue_deals(database_url, DEALS)
        environment.start_and_wait(
            stage_seconds=0.1, concurrency=DEALS, lease_seconds=lease_seconds, database_retry_seconds=2.0
        )
        environment.until(lambda: environment.rows(IN_PROGRESS), seconds=20, what="runs in progress")
        disk.fill()
        environment.until(
            lambda: "run.not_released" in environment.log_tail(), seconds=20, what="a write that is refused"
        )
        yield environment


@pytest.fixture
def filled(database_url: str, disk: Disk) -> Iterator[CrashEnvironment]:
    """Leases as long as the product's: none expires during the outage."""
    with _filled(database_url, disk, 15.0) as environment:
        yield environment


@pytest.fixture
def filled_for_long(database_url: str, disk: Disk) -> Iterator[CrashEnvironment]:
    """Every lease expires during the outage."""
    with _filled(database_url, disk, 3.0) as environment:
        environment.until(lambda: not environment.rows(LEASES), seconds=20, what="the expiry of all leases")
        yield environment


def _assert_unharmed(environment: CrashEnvironment) -> None:
    """Everything is done once, and no attempt was used up."""
    wait_until_all_done(environment, seconds=40)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)
    assert environment.rows("SELECT sum(failures)::int AS n FROM steps") == [{"n": 0}]


def test_runs_are_retried_once_a_full_disk_has_space_again(filled: CrashEnvironment, disk: Disk) -> None:
    """The worker keeps each run until it can write RETRYING with the database's message; no run counts as crashed."""
    disk.free()
    filled.until(lambda: filled.rows(RETRYING), seconds=10, what="a run that is retried later")
    _assert_unharmed(filled)
    assert filled.rows(REFUSED)
    assert filled.rows("SELECT sum(crashes)::int AS n FROM pipeline_runs") == [{"n": 0}]


def test_a_disk_that_is_full_for_longer_than_a_lease_counts_as_no_crash(
    filled_for_long: CrashEnvironment, disk: Disk
) -> None:
    """The runs are requeued and suspected; the heartbeat of their living worker withdraws the suspicion."""
    disk.free()
    _assert_unharmed(filled_for_long)
    filled_for_long.until(lambda: not filled_for_long.rows(SUSPICIONS), seconds=10, what="the end of all suspicions")
    # A run that has ended before that heartbeat keeps its count: what has ended is not written any more.
    assert filled_for_long.rows("SELECT 1 FROM pipeline_runs WHERE status = 'FAILED' OR reason IS NOT NULL") == []
