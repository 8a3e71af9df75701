"""`python -m scheduler`: the composition root of the scheduler's process, and of a sync that a person starts."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import orjson
import structlog
import typer
from rich.console import Console

from core.clock import SystemClock
from core.database import Database, wait_for_database
from core.entry import configuration_errors, run_process
from core.settings import Settings
from core.watchdog import watching
from crm.budget.protocol import Policy
from crm.budget.shared import SharedBudget
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.token import settings_token
from migrations.head import HEAD_REVISION
from pipeline.stages import STAGES
from scheduler.by_hand import COMMANDS, Command, sync_by_hand
from scheduler.context import Context
from scheduler.jobs import JOBS
from scheduler.leadership import Leadership, scheduler_name
from scheduler.list_scan import READERS
from scheduler.runtime import Runtime

# One for each job, for each reader of a list, for each limit of the budget; and one for the question who leads, which
# must never wait behind them.
MOST_CONNECTIONS = len(JOBS) + READERS + len(Policy) + 1


async def run(settings: Settings) -> None:
    """The process that supervisord keeps: until SIGTERM or SIGINT."""
    async with _composed(settings) as (context, leadership):
        with watching(settings.watchdog_seconds) as watchdog:
            await Runtime(context, JOBS, leadership, watchdog).run()


@asynccontextmanager
async def _composed(settings: Settings) -> AsyncIterator[tuple[Context, Leadership]]:
    # Settings first: a wrong one must be told before the database is waited for.
    database = Database.connect(settings.database(), name="scheduler", pool_size=MOST_CONNECTIONS)
    hubspot = HubSpot(settings.hubspot_url(), settings_token(settings), SharedBudget(database))
    try:
        await wait_for_database(database, revision=HEAD_REVISION)
        leadership = Leadership(database, holder=scheduler_name(), ttl_seconds=settings.leader_ttl_seconds)
        async with hubspot as crm:
            yield _context(settings, database, crm), leadership
    finally:
        await database.close()


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


def main(
    once: Annotated[bool, typer.Option("--once", help="Sync now, once, and end.")] = False,
    backfill: Annotated[bool, typer.Option("--backfill", help="Read all deals once more, and end.")] = False,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Compare all deals with HubSpot's, and end.")] = False,
) -> None:
    """Without an option: the scheduler, until it is told to stop."""
    asked = [command for command, wanted in zip(COMMANDS, (once, backfill, reconcile), strict=True) if wanted]
    if len(asked) > 1:
        sys.stderr.write("Choose one of --once, --backfill and --reconcile.\n")
        raise typer.Exit(2)
    if asked:
        raise typer.Exit(_by_hand(asked[0]))
    run_process("scheduler", run)


def _by_hand(command: Command) -> int:
    """0 when all went well, 1 when a sync failed."""
    # What a person must know stands in the summary; the log's lines would tell it twice.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    async def work() -> bool:
        async with _composed(Settings.load()) as (context, leadership):
            return await sync_by_hand(context, leadership, command, Console())

    return 0 if asyncio.run(work()) else 1


if __name__ == "__main__":
    with configuration_errors():
        typer.run(main)
