"""`python -m scheduler`: the composition root of the scheduler process, and of a sync that a person starts."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
import typer
from rich.console import Console

from core.clock import SystemClock
from core.database import Database, check_revision, wait_for_database
from core.entry import configuration_errors, run_process
from core.exits import EXIT_CODES, EXIT_DONE, EXIT_FAILED, EXIT_NOT_BEGUN, command_errors
from core.failures import forget_failure
from core.identity import this_process
from core.settings import Settings
from core.watchdog import watching
from crm.budget.protocol import Policy
from crm.budget.shared import SharedBudget
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.token import settings_token
from migrations.head import HEAD_REVISION
from pipeline.rulebook import load_rulebook, read_by_rules
from pipeline.stages import STAGE_NAMES
from scheduler.context import JobContext
from scheduler.jobs import JOBS
from scheduler.leadership import Leadership, scheduler_name
from scheduler.runtime import Runtime
from scheduler.sync.list_scan import READERS
from scheduler.sync.manual_sync import MANUAL_SYNCS, ManualSync, run_manual_sync
from scheduler.sync.rerun_on import check_rerun_on

# One for each job, each reader of a list and each limit of the rate budget; and one for the leader's lease, which must
# never wait for a connection.
MOST_CONNECTIONS = len(JOBS) + READERS + len(Policy) + 1

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


async def run(settings: Settings) -> None:
    """The process that supervisord runs, until SIGTERM or SIGINT."""
    async with _composed(settings, wait=True) as (context, leadership):
        await forget_failure(context.database, "scheduler")
        with watching(settings.watchdog_seconds) as watchdog:
            await Runtime(context, JOBS, leadership, watchdog).run()


@asynccontextmanager
async def _composed(settings: Settings, *, wait: bool) -> AsyncIterator[tuple[JobContext, Leadership]]:
    """A process waits for the database; a person is told that it is unavailable."""
    # Settings first: an invalid one must be reported before the process waits for the database.
    check_rerun_on(settings)
    read = read_by_rules(load_rulebook(settings.rules_file))
    database = Database.connect(settings.database(), name="scheduler", pool_size=MOST_CONNECTIONS)
    hubspot = HubSpot(settings.hubspot_url(), settings_token(settings), SharedBudget(database))
    try:
        await (wait_for_database if wait else check_revision)(database, revision=HEAD_REVISION)
        leadership = Leadership(
            database, holder=scheduler_name(), process=this_process(), ttl_seconds=settings.leader_ttl_seconds
        )
        async with hubspot as crm:
            yield _context(settings, database, crm, read), leadership
    finally:
        await database.close()


def _context(settings: Settings, database: Database, crm: HubSpot, read: tuple[str, ...]) -> JobContext:
    clock = SystemClock()
    return JobContext(
        settings=settings,
        database=database,
        crm=crm,
        catalog=Catalog(crm, clock),
        clock=clock,
        stages=STAGE_NAMES,
        read_by_rules=read,
    )


@app.command(epilog=EXIT_CODES)
def main(
    once: Annotated[bool, typer.Option("--once", help="Sync once, now, and exit.")] = False,
    backfill: Annotated[bool, typer.Option("--backfill", help="Read all deals again and exit.")] = False,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Compare all deals with HubSpot and exit.")] = False,
) -> None:
    """Without an option: run the scheduler until it is stopped."""
    chosen = [sync for sync, wanted in zip(MANUAL_SYNCS, (once, backfill, reconcile), strict=True) if wanted]
    if len(chosen) > 1:
        sys.stderr.write("Choose one of --once, --backfill and --reconcile.\n")
        raise typer.Exit(EXIT_NOT_BEGUN)
    if chosen:
        raise typer.Exit(_sync_manually(chosen[0]))
    run_process("scheduler", run)


def _sync_manually(sync: ManualSync) -> int:
    """The exit code: whether every sync succeeded."""
    # The summary contains what a person must know; log lines would repeat it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    async def work() -> bool:
        async with _composed(Settings.load(), wait=False) as (context, leadership):
            return await run_manual_sync(context, leadership, sync, Console())

    with command_errors():
        return EXIT_DONE if asyncio.run(work()) else EXIT_FAILED


if __name__ == "__main__":
    with configuration_errors():
        app()
