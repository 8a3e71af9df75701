"""The budget of calls that the scheduler and all workers share, on all hosts: one row per rate limit in PostgreSQL.

How calls are shared. Searches and other calls have separate limits, so neither waits for the other. Within a process,
calls are granted in the order of the requests, and one request at a time queries the database. Between processes, a
free call goes to the statement that arrives first: no process can starve another, however many calls it wants. Only
for searches does the sync have priority: jobs wait half an interval longer than the sync does, and search in its
pauses. A job that has waited for a second comes first: a scan of thousands of deals has no pauses.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import TextClause

from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import DatabaseUnavailable
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
from crm.budget.statements import ACQUIRE, BLOCK, CLAIM_PROBE, STORE_DAILY, STORE_DAILY_USED_UP, STORE_LIMIT
from crm.errors import BudgetUnavailable, DailyLimitReached, RateLimited

log = structlog.get_logger()

# HubSpot counts a call when it arrives, we count it when it is granted: a slow call followed by a fast one arrive
# closer together than they were granted. For bursts the reserve of a tenth absorbs most of that. Measured with 150 ms
# of latency, 120 of them jitter, and a limit of 190 in 10 s: 8 and 40 callers used 99 % of our share, with no 429.
SLACK_SECONDS = 0.1
# Searches are spaced evenly: of calls 250 ms apart no six fall into one second of HubSpot's unless one is 250 ms slower
# than another. Four at once and then a pause would exceed the limit of five as soon as one call is late.
SEARCH_SPAN = timedelta(seconds=1 / SEARCHES_PER_SECOND)
JOBS_SPAN_FACTOR = 1.5
# One search of a job's is for many deals, and slows a scan down by one search in a second. It comes a little sooner
# than the sync's next one, which would otherwise win each time.
JOBS_PATIENCE_SECONDS, PATIENT_SPAN_FACTOR = 1.0, 0.9
# The longest is short because the limit may grow meanwhile, and a block may be lifted.
LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS = 1.0, 0.005
# No process makes a call for so long after a 429: another app uses up the same limit at this moment.
BLOCK_SECONDS = {Policy.BURST: 5.0, Policy.SEARCH: 1.0}
LONGEST_BLOCK_SECONDS = 60.0
# When the daily calls are used up, one probing call per interval finds out whether the next day has begun: it begins at
# midnight in the account's time zone, which the responses do not report.
PROBE_SECONDS = 600.0
# The remaining daily calls change with every call, and matter only when few are left.
STORE_DAILY_SECONDS = 10.0


class SharedBudget:
    """A Budget; one per process. With `for_jobs`, searches leave priority to those of the sync."""

    def __init__(self, database: Database, *, for_jobs: bool = False, clock: Clock | None = None) -> None:
        self._database = database
        self._span_factor = {Policy.SEARCH: JOBS_SPAN_FACTOR if for_jobs else 1.0, Policy.BURST: 1.0}
        self._clock = clock or SystemClock()
        self._locks = {policy: asyncio.Lock() for policy in Policy}
        self._burst = Burst(own_share(SMALLEST_BURST), BURST_SECONDS)
        self._burst_learned = False
        self._daily: tuple[Daily, float] | None = None
        self._daily_stored_at = float("-inf")

    async def acquire(self, policy: Policy) -> None:
        """DailyLimitReached when few of the daily calls remain; BudgetUnavailable when the database is unavailable."""
        probing = False
        async with self._locks[policy]:
            began = self._clock.monotonic()
            while not (row := await self._request(policy, probing, self._clock.monotonic() - began)).granted:
                if row.low_remaining is not None and not probing:
                    await self._claim_probe(row)
                    probing = True
                else:
                    wait = max(row.wait_seconds or 0.0, SHORTEST_WAIT_SECONDS)
                    await asyncio.sleep(min(wait, LONGEST_WAIT_SECONDS))

    def learn(self, headers: Mapping[str, str]) -> None:
        """Stored with the next request for a call, so that learning costs no statement of its own."""
        if burst := burst_of(headers):
            self._burst, self._burst_learned = burst, True
        if daily := daily_of(headers):
            self._daily = (daily, self._clock.monotonic())

    async def rate_limited(self, policy: Policy, error: RateLimited) -> None:
        """Block this limit for all processes for a moment; after the daily limit, until a probing call succeeds."""
        seconds = min(error.retry_after or BLOCK_SECONDS[policy], LONGEST_BLOCK_SECONDS)
        try:
            if isinstance(error, DailyLimitReached):
                self._daily = None
                await self._run(STORE_DAILY_USED_UP, {"seconds": PROBE_SECONDS})
            else:
                await self._run(BLOCK, {"policy": policy, "seconds": seconds})
        except BudgetUnavailable:
            # The next call of `acquire` fails for the same reason, so no call is made either.
            log.warning("budget.block_not_stored", policy=policy)

    async def _request(self, policy: Policy, probing: bool, waited_seconds: float) -> Any:
        """The database's answer to a request for one call, under the limits that were learned so far."""
        factor = self._span_factor[policy]
        if factor > 1.0 and waited_seconds >= JOBS_PATIENCE_SECONDS:
            factor = PATIENT_SPAN_FACTOR
        parameters = {"policy": policy, "probing": probing, "span_factor": factor}
        await self._store_daily()
        while True:
            rows = await self._run(ACQUIRE, parameters)
            if rows and not self._is_outdated(policy, rows[0]):
                return rows[0]
            await self._run(STORE_LIMIT, {"policy": policy, **self._limit(policy)})
            if rows and rows[0].granted:
                return rows[0]

    def _is_outdated(self, policy: Policy, row: Any) -> bool:
        """Whether HubSpot has reported another limit than the stored one."""
        stored = {"limit_calls": row.limit_calls, "span": row.span}
        return stored != self._limit(policy) and (policy is Policy.SEARCH or self._burst_learned)

    def _limit(self, policy: Policy) -> dict[str, object]:
        if policy is Policy.SEARCH:
            return {"limit_calls": 1, "span": SEARCH_SPAN}
        return {"limit_calls": self._burst.limit, "span": timedelta(seconds=self._burst.seconds + SLACK_SECONDS)}

    async def _claim_probe(self, row: Any) -> None:
        """DailyLimitReached when another process has made the probing call of this interval."""
        if not await self._run(CLAIM_PROBE, {"seconds": PROBE_SECONDS}):
            raise DailyLimitReached(
                f"{row.low_remaining} of the HubSpot account's {row.daily_limit} daily calls remain, and the last "
                f"{DAILY_RESERVE:.0%} are reserved for other apps. Calls resume when HubSpot resets the count, at "
                f"midnight in the account's time zone; one call every {PROBE_SECONDS / 60:.0f} minutes checks for that."
            )
        # What the probing call learns is stored with the next request, without delay.
        self._daily_stored_at = float("-inf")
        log.info("budget.probe", remaining=row.low_remaining, limit=row.daily_limit)

    async def _store_daily(self) -> None:
        if self._daily is None:
            return
        daily, seen_at = self._daily
        now = self._clock.monotonic()
        # A limit that is nearly reached, or no longer, is stored at once.
        if now - self._daily_stored_at < STORE_DAILY_SECONDS and daily.remaining > daily.limit * 2 * DAILY_RESERVE:
            return
        self._daily, self._daily_stored_at = None, now
        await self._run(
            STORE_DAILY, {"limit_calls": daily.limit, "remaining": daily.remaining, "age_seconds": now - seen_at}
        )

    async def _run(self, statement: TextClause, parameters: Mapping[str, object]) -> Any:
        try:
            return await self._database.run(statement, parameters)
        except DatabaseUnavailable as error:
            raise BudgetUnavailable(
                "The database is unavailable, and with it the rate budget: no call to HubSpot is made until it is back."
            ) from error
