"""The data that an account starts with: the same for the same seed, size and day."""

from datetime import UTC, datetime

from core.clock import Clock
from sandbox.account.account import Account, seeded
from sandbox.account.deal_maker import DealMaker
from sandbox.account.timestamps import DAY_MS, milliseconds, start_of_day
from sandbox.config import Config

# Ids of records that are created after the start count from here, so that a new start never reuses one: a client that
# has synced the previous start would take new deals for old ones.
ID_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# The age of the oldest deal.
HISTORY_DAYS = 540


def build_account(clock: Clock, *, deals: int, seed: int, config: Config | None = None) -> tuple[Account, DealMaker]:
    """An account with that many deals, and the maker that creates more.

    Every time in it is before the start of the clock's day (UTC), not just before now: a restart on the same day
    builds the same account.
    """
    account = Account(clock, seed, config)
    maker = DealMaker(account, seeded(seed, "deals"))
    rng = seeded(seed, "times")
    present_ms = milliseconds(start_of_day(clock.now()))
    for age_ms in sorted((int(rng.random() * HISTORY_DAYS * DAY_MS) for _ in range(deals)), reverse=True):
        maker.make(present_ms - age_ms, present_ms)
    account.skip_ids(int((clock.now() - ID_EPOCH).total_seconds()))
    return account, maker
