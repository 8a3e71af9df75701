"""Any order of claims, moves, rescues, deliveries and call-offs: what is stored never contradicts itself."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import Database
from tests.crash.interleaving import DEALS, LIKELY, Interleaving

# What happens, to which deal or by which worker, and which of several ways.
Event = tuple[str, int, int]
EVENTS = st.lists(
    st.tuples(st.sampled_from(LIKELY), st.integers(0, DEALS - 1), st.integers(0, 5)), min_size=10, max_size=25
)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=EVENTS)
def test_no_order_of_events_makes_the_rows_contradict_each_other(
    database_url: str, loop: asyncio.AbstractEventLoop, events: list[Event]
) -> None:
    """Looked at after each event: one active run a deal, a status that fits its steps, numbers that only grow."""
    loop.run_until_complete(_played(database_url, events))


async def _played(database_url: str, events: list[Event]) -> None:
    database = Database.connect(database_url, name="test", pool_size=2)
    try:
        interleaving = Interleaving(database)
        await interleaving.begin()
        for action, deal, way in events:
            await interleaving.play(action, deal, way)
            await interleaving.check()
        await interleaving.finish()
    finally:
        await database.close()
