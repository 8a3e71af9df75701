"""Budgets of several processes, the limits that HubSpot has reported to them, and simultaneous calls."""

import asyncio
import time

from core.database import Database
from crm.budget.protocol import Policy
from crm.budget.shared import SharedBudget

# Nine calls of ours in any 300 ms.
BURST = {"x-hubspot-ratelimit-max": "10", "x-hubspot-ratelimit-interval-milliseconds": "300"}
OURS, SPAN_SECONDS = 9, 0.3


def daily(remaining: int) -> dict[str, str]:
    return {"x-hubspot-ratelimit-daily": "1000", "x-hubspot-ratelimit-daily-remaining": str(remaining)}


def taught(database: Database, *, for_jobs: bool = False) -> SharedBudget:
    budget = SharedBudget(database, for_jobs=for_jobs)
    budget.learn(BURST)
    return budget


async def call(budget: SharedBudget, policy: Policy, times: int) -> list[float]:
    """The times at which the calls were granted, by the machine's clock."""
    allowed: list[float] = []

    async def one_call() -> None:
        await budget.acquire(policy)
        allowed.append(time.monotonic())

    await asyncio.gather(*(one_call() for _ in range(times)))
    return allowed
