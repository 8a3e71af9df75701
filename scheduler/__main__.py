"""`python -m scheduler`: the composition root of the scheduler's process."""

import sys

import orjson

from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.entry import run_process
from core.settings import Settings
from core.watchdog import watching
from crm.budget import Policy
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.token import settings_token
from migrations.head import HEAD_REVISION
from pipeline.budget import SharedBudget
from pipeline.stages import STAGES
from scheduler.context import Context
from scheduler.jobs import JOBS
from scheduler.leadership import Leadership, scheduler_name
from scheduler.list_scan import READERS
from scheduler.runtime import Runtime

# One for each job, for each reader of a list, for each limit of the budget; and one for the question who leads, which
# must never wait behind them.
MOST_CONNECTIONS = len(JOBS) + READERS + len(Policy) + 1


async def run(settings: Settings) -> None:
    # Settings first: a wrong one must be told before the database is waited for.
    database = Database.connect(settings.database(), name="scheduler", pool_size=MOST_CONNECTIONS)
    hubspot = _hubspot(settings, database)
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        leadership = Leadership(database, holder=scheduler_name(), ttl_seconds=settings.leader_ttl_seconds)
        async with hubspot as crm:
            with watching(settings.watchdog_seconds) as watchdog:
                await Runtime(_context(settings, database, crm), JOBS, leadership, watchdog).run()
    finally:
        await database.close()


def _hubspot(settings: Settings, database: Database) -> HubSpot:
    return HubSpot(settings.hubspot_base_url, settings_token(settings), SharedBudget(database))


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
