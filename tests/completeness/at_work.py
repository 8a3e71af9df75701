"""A whole installation in one process: the sandbox over HTTP, the scheduler's jobs and a worker, with one clock."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from core.clock import Clock
from core.database import Database
from crm import paths
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.properties import WRITTEN_PROPERTIES
from pipeline.rulebook import Rulebook, read_by_rules, shipped_rulebook
from pipeline.stages import STAGES
from pipeline.stages.stage import StageSettings
from pipeline.worker.runner import Runner
from scheduler.context import JobContext
from scheduler.jobs import recheck_deals, rerun_deals
from scheduler.sync.sync_jobs import backfill, tail
from tests.completeness.account import Account
from tests.factories import WORKER, rows, run_store
from tests.hubspot import NoLimits
from tests.scheduler.contexts import leading_context

# Deals that the worker processes at a time.
CONCURRENCY = 8
_DUE = """
SELECT id, (args ->> 'deal_id')::bigint AS deal_id FROM procrastinate_jobs
WHERE status = 'todo' AND coalesce(scheduled_at, '-infinity') <= clock_timestamp() ORDER BY priority DESC, id
"""
_FINDINGS = """
SELECT f ->> 'rule' AS rule
FROM deals AS d JOIN steps AS s ON s.run_id = d.latest_run_id, jsonb_array_elements(s.output -> 'findings') AS f
WHERE d.hubspot_deal_id = :id AND s.status = 'DONE'
"""
_TRIGGERS = """
SELECT r.trigger::text AS trigger, count(*) AS n FROM pipeline_runs AS r JOIN deals AS d ON d.id = r.deal_id
WHERE d.hubspot_deal_id = ANY(CAST(:ids AS text[])) GROUP BY 1
"""


class AccountClock(Clock):
    """The account's clock, which stands still unless it is advanced."""

    def __init__(self, began_at: datetime) -> None:
        self._began_at = began_at
        self.ahead = timedelta()

    def now(self) -> datetime:
        return self._began_at + self.ahead

    def monotonic(self) -> float:
        return self.ahead.total_seconds()


class AtWork:
    """`hubspot` is the account; `context` is the leading scheduler's."""

    def __init__(
        self, hubspot: Account, context: JobContext, clock: AccountClock, settings: StageSettings | None = None
    ) -> None:
        self.hubspot = hubspot
        self.context = context
        self.clock = clock
        self.database = context.database
        settings = settings or StageSettings(write_back=context.settings.write_back)
        self._runner = Runner(
            database=context.database,
            runs=run_store(context.database),
            stages=[stage.with_settings(settings) for stage in STAGES],
            crm=context.crm,
            catalog=context.catalog,
            clock=clock,
            worker=WORKER,
        )

    async def sync(self) -> None:
        """The tail, and the jobs that start runs."""
        self.advance(timedelta(seconds=10))
        await tail(self.context)
        await self.start_runs()

    async def start_runs(self) -> None:
        await rerun_deals(self.context)
        await recheck_deals(self.context)

    async def sync_and_work(self) -> int:
        await self.sync()
        return await self.work()

    async def work(self) -> int:
        """Process the queue until it is empty; how many runs."""
        done = 0
        while due := await rows(self.database, _DUE):
            left = iter(due)
            await asyncio.gather(*(self._deliver(left) for _ in range(CONCURRENCY)))
            done += len(due)
        return done

    async def _deliver(self, jobs: Any) -> None:
        for job in jobs:
            await rows(self.database, "DELETE FROM procrastinate_jobs WHERE id = :id RETURNING id", id=job["id"])
            await self._runner.process(job["deal_id"])

    def advance(self, by: timedelta) -> None:
        self.hubspot.advance(by.total_seconds())
        self.clock.ahead += by

    async def findings(self, deal_id: str) -> set[str]:
        """The rules of the latest run's findings."""
        return {row["rule"] for row in await rows(self.database, _FINDINGS, id=deal_id)}

    async def triggers(self, ids: Sequence[str]) -> dict[str, int]:
        """How many runs the deals have of each trigger."""
        return {row["trigger"]: row["n"] for row in await rows(self.database, _TRIGGERS, ids=list(ids))}


@asynccontextmanager
async def at_work(
    database: Database, hubspot: Account, rulebook: Rulebook | None = None, **settings: Any
) -> AsyncIterator[AtWork]:
    """The backfill has been read; its runs wait."""
    clock = AccountClock(hubspot.now())
    token = SecretStr(hubspot.token)
    async with HubSpot(hubspot.url, lambda: token, NoLimits()) as client:
        context = await leading_context(database, client, **{"backfill_process": "all", **settings})
        rulebook = rulebook or shipped_rulebook()
        catalog, read = Catalog(client, clock), read_by_rules(rulebook)
        context = replace(context, clock=clock, catalog=catalog, read_by_rules=read)
        for new in WRITTEN_PROPERTIES:
            await client.create_property(paths.DEALS, new)
        stage_settings = StageSettings(rulebook=rulebook, write_back=context.settings.write_back)
        working = AtWork(hubspot, context, clock, stage_settings)
        await backfill(context)
        await tail(context)
        yield working
