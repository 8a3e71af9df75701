"""PostgreSQL is restarted, crashes or is unavailable in the middle of runs."""

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator

import pytest

from migrations.upgrade import migrate
from tests.crash.crash_environment import CrashEnvironment, open_environment
from tests.crash.final_state import assert_each_effect_once, assert_each_stage_once, repeated_calls, wait_until_all_done
from tests.crash.postgres_server import PostgresServer, open_postgres_server
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import run_reaper
from tests.crash.supervisor import supervised

DEALS = 10
OUTAGE_SECONDS = 40
IN_PROGRESS = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with open_postgres_server() as running:
        yield running


@pytest.fixture
def busy(server: PostgresServer) -> Iterator[CrashEnvironment]:
    """A worker in the middle of ten runs."""
    name = f"crash_{next(_numbers)}"
    server.cluster.create_database(name)
    url = server.cluster.url(name)
    asyncio.run(migrate(url))
    with open_environment(url) as environment, run_reaper(url):
        queue_deals(url, DEALS)
        with supervised(environment, stage_seconds=0.1, watchdog_seconds=60.0):
            environment.until(lambda: environment.rows(IN_PROGRESS), seconds=20, what="runs in progress")
            yield environment


def _assert_unharmed(environment: CrashEnvironment) -> None:
    wait_until_all_done(environment, seconds=30)
    assert_each_stage_once(environment)
    assert_each_effect_once(environment)
    assert repeated_calls(environment) <= DEALS


def test_a_restart_of_postgresql_repeats_a_stage_at_most_once(server: PostgresServer, busy: CrashEnvironment) -> None:
    """An orderly restart: the worker survives or is restarted, and only stages in flight may be repeated."""
    server.stop_fast()
    server.start()
    _assert_unharmed(busy)


def test_a_crash_of_postgresql_loses_nothing_that_was_committed(server: PostgresServer, busy: CrashEnvironment) -> None:
    """The worker continues behind the last committed step."""
    server.stop_immediate()
    server.start()
    _assert_unharmed(busy)


@pytest.mark.soak
def test_after_forty_seconds_without_postgresql_every_run_is_done(
    server: PostgresServer, busy: CrashEnvironment
) -> None:
    """No process has to be started manually."""
    server.stop_fast()
    time.sleep(OUTAGE_SECONDS)
    server.start()
    _assert_unharmed(busy)
