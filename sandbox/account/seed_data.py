"""The world that a sandbox starts with: the same for the same seed, size and day."""

from datetime import UTC, datetime

from core.clock import Clock
from sandbox.account.account import World, seeded
from sandbox.account.deal_maker import DealMaker
from sandbox.account.records import DAY_MS, milliseconds, start_of_day
from sandbox.config import Config

# Ids of what is made after the start are counted from here, so that a new start gives none of them a second time:
# whoever has synced the former one would take new deals for old ones.
ID_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# How far back the oldest deal goes.
HISTORY_DAYS = 540


def build_world(clock: Clock, *, deals: int, seed: int, config: Config | None = None) -> tuple[World, DealMaker]:
    """A world with that many deals, and the maker that can add more.

    Every time in it lies before the start of the clock's day (UTC), not before this instant: a sandbox that is
    started again on the same day is the same.
    """
    world = World(clock, seed, config)
    maker = DealMaker(world, seeded(seed, "deals"))
    rng = seeded(seed, "times")
    present_ms = milliseconds(start_of_day(clock.now()))
    for age_ms in sorted((int(rng.random() * HISTORY_DAYS * DAY_MS) for _ in range(deals)), reverse=True):
        maker.make(present_ms - age_ms, present_ms)
    world.leap_ids(int((clock.now() - ID_EPOCH).total_seconds()))
    return world, maker
