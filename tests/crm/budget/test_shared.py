"""All processes together never make more calls than HubSpot allows."""

import asyncio
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from core.database import Database
from crm.budget.protocol import Policy
from crm.budget.shared import SEARCH_SPAN, SLACK_SECONDS, SharedBudget
from crm.errors import BudgetUnavailable, RateLimited
from tests.crm.budget.callers import BURST, OURS, SPAN_SECONDS, call, taught
from tests.factories import one, rows


def busiest(times: Sequence[float], seconds: float) -> int:
    return max(sum(start <= when < start + seconds for when in times) for start in times)


async def test_processes_together_stay_below_the_limit(databases: list[Database]) -> None:
    """Four with many waiting calls each: no window of HubSpot's holds more than our share, and none stays unused."""
    began = time.monotonic()
    granted = await asyncio.gather(*(call(taught(each), Policy.BURST, 12) for each in databases))
    allowed = [when for times in granted for when in times]
    assert busiest(allowed, SPAN_SECONDS) <= OURS
    # 48 calls fill five windows and begin a sixth; one second more is for a busy machine.
    assert time.monotonic() - began < 5 * (SPAN_SECONDS + SLACK_SECONDS) + 1


async def test_no_process_starves_another(databases: list[Database]) -> None:
    """A process with many waiting calls does not starve one with few."""
    greedy = asyncio.create_task(call(taught(databases[0]), Policy.BURST, 200))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await call(taught(databases[1]), Policy.BURST, 3)
    assert time.monotonic() - began < 8 * (SPAN_SECONDS + SLACK_SECONDS)
    greedy.cancel()
    await asyncio.gather(greedy, return_exceptions=True)


async def test_searches_are_spaced_evenly(databases: list[Database]) -> None:
    """One at a time over all processes; other calls do not wait for them."""
    budget = SharedBudget(databases[0])
    granted = await asyncio.gather(
        call(budget, Policy.SEARCH, 3),
        call(SharedBudget(databases[1]), Policy.SEARCH, 2),
        call(budget, Policy.BURST, 9),
    )
    searches = sorted([*granted[0], *granted[1]])
    gaps = [later - earlier for earlier, later in pairwise(searches)]
    assert min(gaps) > SEARCH_SPAN.total_seconds() - 0.05
    assert max(granted[2]) < searches[1]


async def test_the_syncs_searches_have_priority_over_those_of_jobs(databases: list[Database]) -> None:
    """While many jobs wait, the search of the sync is granted next, although it was requested last."""
    jobs, sync = SharedBudget(databases[0], for_jobs=True), SharedBudget(databases[1])
    await sync.acquire(Policy.SEARCH)
    waiting = [asyncio.create_task(call(jobs, Policy.SEARCH, 1)) for _ in range(5)]
    await asyncio.sleep(0.05)
    await sync.acquire(Policy.SEARCH)
    assert not any(task.done() for task in waiting)
    async with asyncio.timeout(2):
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def test_a_scan_without_pauses_does_not_starve_the_searches_of_jobs(databases: list[Database]) -> None:
    """A job that has waited for a second gets the next search or one of those that follow."""
    jobs, sync = SharedBudget(databases[0], for_jobs=True), SharedBudget(databases[1])

    async def scan() -> None:
        while True:
            await sync.acquire(Policy.SEARCH)

    scanning = asyncio.create_task(scan())
    await asyncio.sleep(0.05)
    async with asyncio.timeout(4):
        await jobs.acquire(Policy.SEARCH)
    scanning.cancel()


async def test_within_a_process_calls_are_granted_in_the_order_of_the_requests(database: Database) -> None:
    """One request at a time queries the database, however many wait."""
    budget, order = taught(database), list[int]()

    async def numbered(number: int) -> None:
        await budget.acquire(Policy.BURST)
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(numbered(number))
    assert order == list(range(20))


async def test_a_lower_limit_applies_to_all_processes_at_once(databases: list[Database]) -> None:
    """Earlier calls count against it."""
    await call(taught(databases[0]), Policy.BURST, OURS)
    small = SharedBudget(databases[1])
    small.learn(BURST | {"x-hubspot-ratelimit-max": "3"})
    began = time.monotonic()
    await small.acquire(Policy.BURST)
    assert time.monotonic() - began > SPAN_SECONDS / 2
    assert await one(databases[0], "SELECT limit_calls FROM rate_budgets WHERE policy = 'burst'") == 2


async def test_a_new_process_uses_the_limit_that_another_has_learned(databases: list[Database]) -> None:
    """It does not start with the limit of the smallest account."""
    await taught(databases[0]).acquire(Policy.BURST)
    await SharedBudget(databases[1]).acquire(Policy.BURST)
    assert await one(databases[0], "SELECT limit_calls FROM rate_budgets WHERE policy = 'burst'") == OURS


async def test_a_429_blocks_all_processes_for_a_moment(databases: list[Database]) -> None:
    """It blocks that limit alone."""
    mine, other = SharedBudget(databases[0]), SharedBudget(databases[1])
    await mine.acquire(Policy.BURST)
    await mine.rate_limited(Policy.BURST, RateLimited("", status=429, retry_after=0.5))
    began = time.monotonic()
    await other.acquire(Policy.SEARCH)
    assert time.monotonic() - began < 0.4
    await other.acquire(Policy.BURST)
    assert time.monotonic() - began > 0.4


async def test_without_a_database_no_call_is_made(database_url: str) -> None:
    """The error is transient; a block that cannot be stored raises nothing."""
    unreachable = Database.connect("postgresql://nobody@127.0.0.1:1/none", name="unreachable", pool_size=1)
    budget = SharedBudget(unreachable)
    for _ in range(2):
        with pytest.raises(BudgetUnavailable, match="database"):
            await budget.acquire(Policy.BURST)
    with capture_logs() as logs:
        await budget.rate_limited(Policy.BURST, RateLimited("", status=429))
    assert logs[0]["event"] == "budget.block_not_stored"
    await unreachable.close()


async def test_a_database_clock_that_was_set_back_stops_no_call(database: Database) -> None:
    """Grants in the future are ignored."""
    budget = SharedBudget(database)
    await budget.acquire(Policy.SEARCH)
    await rows(database, "UPDATE rate_budgets SET granted = ARRAY[now() + interval '1 hour'] RETURNING 1")
    async with asyncio.timeout(1):
        await budget.acquire(Policy.SEARCH)


async def test_a_cancelled_wait_delays_no_other_call(database: Database) -> None:
    budget = SharedBudget(database)
    await budget.acquire(Policy.SEARCH)
    waiting = [asyncio.create_task(budget.acquire(Policy.SEARCH)) for _ in range(10)]
    await asyncio.sleep(0.02)
    for task in waiting:
        task.cancel()
    async with asyncio.timeout(1):
        await budget.acquire(Policy.SEARCH)
