"""PostgreSQL restarted, crashed and away, in the middle of runs."""

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator

import pytest

from migrations.upgrade import migrate
from tests.crash.crash_environment import Ground, open_ground
from tests.crash.final_state import at_rest, each_effect_once, each_stage_once, repeated_calls
from tests.crash.postgres_server import Server, open_server
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import rescuing
from tests.crash.supervisor import supervised

DEALS = 10
AWAY_SECONDS = 40
UNDER_WAY = "SELECT 1 FROM steps WHERE position = 1 AND status = 'RUNNING'"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with open_server() as running:
        yield running


@pytest.fixture
def busy(server: Server) -> Iterator[Ground]:
    """Ten deals and a worker in the middle of them."""
    name = f"crash_{next(_numbers)}"
    server.cluster.create_database(name)
    url = server.cluster.url(name)
    asyncio.run(migrate(url))
    with open_ground(url) as ground, rescuing(url):
        queue_deals(url, DEALS)
        with supervised(ground, stage_seconds=0.1, watchdog_seconds=60.0):
            ground.until(lambda: ground.rows(UNDER_WAY), seconds=20, what="runs under way")
            yield ground


def _unharmed(ground: Ground) -> None:
    at_rest(ground, seconds=30)
    each_stage_once(ground)
    each_effect_once(ground)
    assert repeated_calls(ground) <= DEALS


def test_a_restart_of_postgresql_repeats_a_stage_at_most_once(server: Server, busy: Ground) -> None:
    """In good order: the worker lives or is started again, and at most the stages in flight are repeated."""
    server.stop_fast()
    server.start()
    _unharmed(busy)


def test_a_crash_of_postgresql_loses_nothing_that_was_committed(server: Server, busy: Ground) -> None:
    """What was committed is there, and the worker goes on behind it."""
    server.stop_immediate()
    server.start()
    _unharmed(busy)


@pytest.mark.soak
def test_after_forty_seconds_without_postgresql_every_run_is_done(server: Server, busy: Ground) -> None:
    """No process has to be started by hand."""
    server.stop_fast()
    time.sleep(AWAY_SECONDS)
    server.start()
    _unharmed(busy)
