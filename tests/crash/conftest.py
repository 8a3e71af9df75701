"""An environment for each test, with one deal that waits in it."""

from collections.abc import Iterator

import pytest

from tests.crash.crash_environment import CrashEnvironment, open_environment
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import ReaperCounts, run_reaper


@pytest.fixture
def environment(database_url: str) -> Iterator[CrashEnvironment]:
    """One QUEUED deal, no worker yet."""
    with open_environment(database_url) as opened:
        queue_deals(database_url, 1)
        yield opened


@pytest.fixture
def reaper(environment: CrashEnvironment) -> Iterator[ReaperCounts]:
    """The reaper and the sweep of the leading scheduler, running."""
    with run_reaper(environment.database_url) as counts:
        yield counts
