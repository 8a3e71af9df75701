"""The last daily calls of the account are left to other apps; the budget notices by itself that a new day has begun."""

import asyncio

import pytest
from structlog.testing import capture_logs

from core.database import Database
from crm.budget.protocol import Policy
from crm.budget.shared import PROBE_SECONDS, SharedBudget
from crm.errors import DailyLimitReached
from tests.crm.budget.callers import OURS, call, daily, taught
from tests.factories import one, rows


async def test_near_the_end_of_the_day_calls_stop(databases: list[Database]) -> None:
    """One process makes a probing call every ten minutes; when it reports a new day, all processes resume."""
    mine, other = SharedBudget(databases[0]), SharedBudget(databases[1])
    await mine.acquire(Policy.BURST)
    mine.learn(daily(49))
    with capture_logs() as logs:
        await mine.acquire(Policy.BURST)
    assert [entry["event"] for entry in logs] == ["budget.probe"]
    for budget, policy in ((mine, Policy.BURST), (other, Policy.SEARCH), (other, Policy.BURST)):
        with pytest.raises(DailyLimitReached, match=r"49 of the HubSpot account's 1000 daily calls"):
            await budget.acquire(policy)
    await rows(databases[0], "UPDATE rate_budgets SET blocked_until = now() WHERE policy = 'daily' RETURNING 1")
    with capture_logs():
        await other.acquire(Policy.BURST)
    other.learn(daily(999))
    await other.acquire(Policy.BURST)
    await mine.acquire(Policy.SEARCH)


async def test_a_probing_call_waits_while_the_window_is_full(database: Database) -> None:
    """It is granted in the end, like every call."""
    budget = taught(database)
    await call(budget, Policy.BURST, OURS)
    budget.learn(daily(10))
    with capture_logs():
        await budget.acquire(Policy.BURST)


async def test_after_the_daily_limit_no_process_makes_a_call(databases: list[Database]) -> None:
    """Not even when no response has reported the limit; the block ends with the day."""
    mine, other = SharedBudget(databases[0]), SharedBudget(databases[1])
    await mine.acquire(Policy.SEARCH)
    await mine.rate_limited(Policy.SEARCH, DailyLimitReached("", status=429))
    with pytest.raises(DailyLimitReached, match="0 of"):
        await other.acquire(Policy.BURST)
    left = await one(
        databases[0], "SELECT extract(epoch FROM blocked_until - now()) FROM rate_budgets WHERE remaining = 0"
    )
    assert PROBE_SECONDS - 30 < left <= PROBE_SECONDS
    await rows(
        databases[0],
        "UPDATE rate_budgets SET observed_at = now() - interval '25 hours' WHERE policy = 'daily' RETURNING 1",
    )
    await other.acquire(Policy.BURST)


async def test_an_old_report_of_the_daily_calls_does_not_replace_a_newer_one(databases: list[Database]) -> None:
    """A process that slept for an hour still holds the report of an hour ago."""
    sleeper, awake = SharedBudget(databases[0]), SharedBudget(databases[1])
    sleeper.learn(daily(900))
    await asyncio.sleep(0.05)
    awake.learn(daily(500))
    await awake.acquire(Policy.BURST)
    await sleeper.acquire(Policy.BURST)
    assert await one(databases[0], "SELECT remaining FROM rate_budgets WHERE policy = 'daily'") == 500
