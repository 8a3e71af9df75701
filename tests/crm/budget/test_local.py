"""One process never makes more calls than HubSpot allows, and makes them in the order of the requests."""

import asyncio
from datetime import UTC, datetime

import pytest

from crm.budget.limits import SEARCHES_PER_SECOND, SMALLEST_BURST, own_share
from crm.budget.local import LocalBudget
from crm.budget.protocol import Policy

BURST_LIMIT = own_share(SMALLEST_BURST)


class Time:
    """A clock that a pause moves forward without waiting."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.seconds += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def budget(time: Time) -> LocalBudget:
    return LocalBudget(time, time.pause)


async def served(budget: LocalBudget, time: Time, policy: Policy, calls: int) -> list[tuple[int, float]]:
    """(number of the call, time), in the order in which simultaneous calls were granted."""
    order: list[tuple[int, float]] = []

    async def call(number: int) -> None:
        await budget.acquire(policy)
        order.append((number, time.seconds))

    await asyncio.gather(*(call(number) for number in range(calls)))
    return order


def busiest(order: list[tuple[int, float]], seconds: float) -> int:
    """The most calls within any window of that length."""
    times = [when for _, when in order]
    return max(sum(start <= when < start + seconds for when in times) for start in times)


async def test_searches_stay_below_five_a_second(budget: LocalBudget, time: Time) -> None:
    """Four at once, then one more as each leaves the window, in the order of the requests."""
    order = await served(budget, time, Policy.SEARCH, 10)
    assert [number for number, _ in order] == list(range(10))
    assert [when for _, when in order] == [0.0] * 4 + [1.0] * 4 + [2.0] * 2
    assert busiest(order, 1.0) == SEARCHES_PER_SECOND


async def test_searches_and_other_calls_do_not_wait_for_each_other(budget: LocalBudget, time: Time) -> None:
    await served(budget, time, Policy.SEARCH, SEARCHES_PER_SECOND)
    assert [when for _, when in await served(budget, time, Policy.BURST, BURST_LIMIT)] == [0.0] * BURST_LIMIT


@pytest.mark.parametrize(("most", "ours"), [("190", 171), ("50", 45), ("1", 1)])
async def test_the_limit_is_learned_from_hubspots_headers(
    budget: LocalBudget, time: Time, most: str, ours: int
) -> None:
    """Nine tenths of it, within HubSpot's own interval, whether that is more than before or less."""
    budget.learn({"x-hubspot-ratelimit-max": most, "x-hubspot-ratelimit-interval-milliseconds": "5000"})
    order = await served(budget, time, Policy.BURST, ours + 1)
    assert busiest(order, 5.0) == ours
    assert order[-1][1] == 5.0


@pytest.mark.parametrize("most", ["", "0", "-5", "many", "1e9", "9" * 30, "²"])
async def test_impossible_header_values_are_ignored(budget: LocalBudget, time: Time, most: str) -> None:
    budget.learn({"x-hubspot-ratelimit-max": most, "x-hubspot-ratelimit-interval-milliseconds": "10000"})
    budget.learn({"x-hubspot-ratelimit-max": "1", "x-hubspot-ratelimit-interval-milliseconds": most})
    budget.learn({})
    assert busiest(await served(budget, time, Policy.BURST, BURST_LIMIT + 1), 10.0) == BURST_LIMIT


async def test_a_lower_limit_applies_to_waiting_calls(budget: LocalBudget, time: Time) -> None:
    """Ninety calls were made when HubSpot reports a limit of ten: the next waits until fewer than nine still count."""
    await served(budget, time, Policy.BURST, BURST_LIMIT)
    budget.learn({"x-hubspot-ratelimit-max": "10", "x-hubspot-ratelimit-interval-milliseconds": "10000"})
    assert [when for _, when in await served(budget, time, Policy.BURST, 10)] == [10.0] * 9 + [20.0]


async def test_a_cancelled_wait_uses_no_call(time: Time) -> None:
    """The next waiting call gets the place of a stage that timed out, at once."""
    gate = asyncio.Event()

    async def pause(seconds: float) -> None:
        await gate.wait()
        time.seconds += seconds

    budget = LocalBudget(time, pause)
    await served(budget, time, Policy.SEARCH, SEARCHES_PER_SECOND)
    waiting = [asyncio.create_task(budget.acquire(Policy.SEARCH)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    gate.set()
    assert [when for _, when in await served(budget, time, Policy.SEARCH, SEARCHES_PER_SECOND)] == [
        1.0
    ] * SEARCHES_PER_SECOND
