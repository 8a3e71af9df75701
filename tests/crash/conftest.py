"""One ground a test, and one deal that waits on it."""

from collections.abc import Iterator

import pytest

from tests.crash.crash_environment import Ground, open_ground
from tests.crash.queued_deals import queue_deals
from tests.crash.reaper_thread import Rescued, rescuing


@pytest.fixture
def ground(database_url: str) -> Iterator[Ground]:
    """One QUEUED deal, no worker yet."""
    with open_ground(database_url) as opened:
        queue_deals(database_url, 1)
        yield opened


@pytest.fixture
def rescued(ground: Ground) -> Iterator[Rescued]:
    """The leading scheduler's part, at work."""
    with rescuing(ground.database_url) as counts:
        yield counts
