"""The budget of calls that the scheduler and all workers share, on all hosts: a row a limit in PostgreSQL.

Who gets what. The sync's searches and everybody's other calls have limits of their own, so neither waits for the other.
Within a process, first come, first served, and one asks the database for all. Between processes a free call is whose
statement comes first: each process gets its part however much another wants. Only for searches do jobs give way: they
wait half an interval longer than the sync does, so that a scan is never held up by jobs, and jobs search in its pauses.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import TextClause
from sqlalchemy.exc import SQLAlchemyError

from core.clock import Clock, SystemClock
from core.database import Database
from crm.budget.limits import (
    BURST_SECONDS,
    DAILY_RESERVE,
    SEARCHES_PER_SECOND,
    SMALLEST_BURST,
    Burst,
    Daily,
    burst_of,
    daily_of,
    own_share,
)
from crm.budget.protocol import Policy
from crm.budget.statements import ASK, BLOCK, DAILY, DAILY_USED_UP, LIMIT, PROBE
from crm.errors import BudgetUnavailable, DailyLimitReached, RateLimited

log = structlog.get_logger()

# HubSpot counts a call when it arrives, we when it is allowed: where an earlier call was slow and a later one is fast,
# they arrive closer together than they were allowed. For bursts the reserve of a tenth bears most of that. Measured
# with 150 ms of latency, 120 of them uneven, and 190 in 10 s: 8 and 40 callers used 99 % of our share, with no 429.
SLACK_SECONDS = 0.1
# Searches go one by one, evenly: of calls 250 ms apart no six fall into HubSpot's second unless one is 250 ms slower
# than another. Four at once and then a pause would break the limit of five with the first call that is late.
SEARCH_SPAN = timedelta(seconds=1 / SEARCHES_PER_SECOND)
JOBS_PATIENCE = 1.5
# The limit may grow meanwhile, and a block may be lifted.
LONGEST_NAP_SECONDS, SHORTEST_NAP_SECONDS = 1.0, 0.005
# After a 429, for all processes: somebody else uses the same limit, and needs a moment to be done.
BLOCK_SECONDS = {Policy.BURST: 5.0, Policy.SEARCH: 1.0}
LONGEST_BLOCK_SECONDS = 60.0
# When nothing is left of a day, one call so often looks whether the next has begun: HubSpot's midnight is that of the
# account, and its answers do not say which that is.
PROBE_SECONDS = 600.0
# What is left of the day changes with every call, and matters only near its end.
DAILY_SAVED_SECONDS = 10.0


class SharedBudget:
    """A Budget; one per process. `for_jobs` gives way to the sync's searches."""

    def __init__(self, database: Database, *, for_jobs: bool = False, clock: Clock | None = None) -> None:
        self._database = database
        self._patience = {Policy.SEARCH: JOBS_PATIENCE if for_jobs else 1.0, Policy.BURST: 1.0}
        self._clock = clock or SystemClock()
        self._turns = {policy: asyncio.Lock() for policy in Policy}
        self._burst = Burst(own_share(SMALLEST_BURST), BURST_SECONDS)
        self._burst_learned = False
        self._daily: tuple[Daily, float] | None = None
        self._daily_saved_at = float("-inf")

    async def acquire(self, policy: Policy) -> None:
        """DailyLimitReached near the end of the day's calls; BudgetUnavailable when the database cannot be asked."""
        probing = False
        async with self._turns[policy]:
            while not (row := await self._row(policy, probing)).granted:
                if row.low_remaining is not None and not probing:
                    await self._look_or_stop(row)
                    probing = True
                else:
                    nap = max(row.wait_seconds or 0.0, SHORTEST_NAP_SECONDS)
                    await asyncio.sleep(min(nap, LONGEST_NAP_SECONDS))

    def learn(self, headers: Mapping[str, str]) -> None:
        """Kept until the next call is asked for: what is learned costs no statement of its own."""
        if burst := burst_of(headers):
            self._burst, self._burst_learned = burst, True
        if daily := daily_of(headers):
            self._daily = (daily, self._clock.monotonic())

    async def refused(self, policy: Policy, error: RateLimited) -> None:
        """Every process holds back for a moment; after the daily limit, until a call now and then finds it lifted."""
        seconds = min(error.retry_after or BLOCK_SECONDS[policy], LONGEST_BLOCK_SECONDS)
        try:
            if isinstance(error, DailyLimitReached):
                self._daily = None
                await self._run(DAILY_USED_UP, {"seconds": PROBE_SECONDS})
            else:
                await self._run(BLOCK, {"policy": policy, "seconds": seconds})
        except BudgetUnavailable:
            # The next to acquire is told so, and makes no call either.
            log.warning("budget.refusal_not_stored", policy=policy)

    async def _row(self, policy: Policy, probing: bool) -> Any:
        """What the database says to one more call, by the limits that were learned so far."""
        parameters = {"policy": policy, "probing": probing, "patience": self._patience[policy]}
        await self._save_daily()
        while True:
            rows = await self._run(ASK, parameters)
            if rows and not self._is_outdated(policy, rows[0]):
                return rows[0]
            await self._run(LIMIT, {"policy": policy, **self._limit(policy)})
            if rows and rows[0].granted:
                return rows[0]

    def _is_outdated(self, policy: Policy, row: Any) -> bool:
        """HubSpot has told of another limit than the stored one."""
        found = {"limit_calls": row.limit_calls, "span": row.span}
        return found != self._limit(policy) and (policy is Policy.SEARCH or self._burst_learned)

    def _limit(self, policy: Policy) -> dict[str, object]:
        if policy is Policy.SEARCH:
            return {"limit_calls": 1, "span": SEARCH_SPAN}
        return {"limit_calls": self._burst.limit, "span": timedelta(seconds=self._burst.seconds + SLACK_SECONDS)}

    async def _look_or_stop(self, row: Any) -> None:
        if not await self._run(PROBE, {"seconds": PROBE_SECONDS}):
            raise DailyLimitReached(
                f"{row.low_remaining} of the HubSpot account's {row.daily_limit} calls of today are left; the last "
                f"{DAILY_RESERVE:.0%} are not ours. Calls go on when HubSpot counts anew, after midnight in the "
                f"account's time zone; one call every {PROBE_SECONDS / 60:.0f} minutes looks whether it does."
            )
        # What this call learns is saved with the next one, at once.
        self._daily_saved_at = float("-inf")
        log.info("budget.probe", remaining=row.low_remaining, limit=row.daily_limit)

    async def _save_daily(self) -> None:
        if self._daily is None:
            return
        daily, seen_at = self._daily
        now = self._clock.monotonic()
        # Whether it is over, or over no more, must be known at once.
        if now - self._daily_saved_at < DAILY_SAVED_SECONDS and daily.remaining > daily.limit * 2 * DAILY_RESERVE:
            return
        self._daily, self._daily_saved_at = None, now
        await self._run(DAILY, {"limit_calls": daily.limit, "remaining": daily.remaining, "age_seconds": now - seen_at})

    async def _run(self, statement: TextClause, parameters: Mapping[str, object]) -> Any:
        try:
            return await self._database.run(statement, parameters)
        except (OSError, SQLAlchemyError) as error:
            raise BudgetUnavailable(
                "The database cannot say how many calls HubSpot has had, so none is made until it can."
            ) from error
