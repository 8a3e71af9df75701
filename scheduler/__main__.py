"""`python -m scheduler`: the composition root of the scheduler's process."""

import sys

import orjson

from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.entry import run_process
from core.settings import Settings
from core.watchdog import watching
from crm.catalog import Catalog
from crm.client import HubSpot
from migrations.head import HEAD_REVISION
from pipeline.budget import LocalBudget
from pipeline.stages import STAGES
from scheduler.context import Context
from scheduler.jobs import JOBS
from scheduler.leadership import Leadership, scheduler_name
from scheduler.runtime import Runtime

# One for each job and one for the question who leads, which must never wait behind them.
MOST_CONNECTIONS = len(JOBS) + 1


async def run(settings: Settings) -> None:
    # Settings first: a wrong one must be told before the database is waited for.
    url, hubspot = settings.database(), _hubspot(settings)
    database = Database.connect(url, name="scheduler", pool_size=MOST_CONNECTIONS)
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        leadership = Leadership(database, holder=scheduler_name(), ttl_seconds=settings.leader_ttl_seconds)
        async with hubspot as crm:
            with watching(settings.watchdog_seconds) as watchdog:
                await Runtime(_context(settings, database, crm), JOBS, leadership, watchdog).run()
    finally:
        await database.close()


def _hubspot(settings: Settings) -> HubSpot:
    return HubSpot(settings.hubspot_base_url, settings.hubspot_credential(), LocalBudget())


def _context(settings: Settings, database: Database, crm: HubSpot) -> Context:
    clock = SystemClock()
    return Context(
        settings=settings,
        database=database,
        crm=crm,
        catalog=Catalog(crm, clock),
        clock=clock,
        stages=orjson.dumps([{"key": stage.key, "label": stage.label} for stage in STAGES]).decode(),
    )


if __name__ == "__main__":
    sys.exit(run_process("scheduler", run))
