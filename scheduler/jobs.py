"""What the leading scheduler does periodically: a new job is added to JOBS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from core.settings import Settings
from crm.budget.remaining import daily_share_left
from pipeline.operations.bulk_work import process_bulk_items
from pipeline.runs.access import PROBE_SECONDS
from pipeline.runs.controls import is_paused
from scheduler.context import JobContext
from scheduler.purge import purge
from scheduler.requests import when_requested
from scheduler.stage_stats import refresh_stage_stats
from scheduler.sync.sync_jobs import archive, backfill, backfill_again, nightly_reconcile, once, reconcile, settle, tail
from scheduler.sync.sync_runs import close_interrupted_syncs

log = structlog.get_logger()

SWEEP_SECONDS = 15
REPAIR_SECONDS = 60
OVERDUE_SECONDS = 5
RECHECK_SECONDS = 10
# No recheck starts while less of the day's calls is left.
RECHECK_SHARE = 0.33
STATS_SECONDS = 60
PURGE_SECONDS = 3600
NIGHTLY_CHECK_SECONDS = 60
REQUEST_SECONDS = 2
# A settle scan runs, and the recycle bin is read, this many times within the settle bound.
SETTLE_PARTS = 6


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called every `seconds(settings)`, first when the scheduler begins to lead; never twice at a time."""

    name: str
    run: Callable[[JobContext], Awaitable[object]]
    seconds: Callable[[Settings], float]


async def take_over(context: JobContext) -> None:
    """Run before the first job of a scheduler that begins to lead: no sync of the last leader is running any more."""
    await close_interrupted_syncs(context.database, context.fence)


async def reap_runs(context: JobContext) -> None:
    if requeued := await context.runs.reap():
        log.warning("runs.requeued", count=requeued, reason="lease expired")


async def sweep_runs(context: JobContext) -> None:
    # While the queue is paused, waiting runs have no job; resuming the queue delivers them.
    if await is_paused(context.database):
        return
    if requeued := await context.runs.sweep():
        log.warning("runs.requeued", count=requeued, reason="no job")


async def repair_runs(context: JobContext) -> None:
    for kind, count in (await context.runs.repair()).items():
        log.error("rows.repaired", kind=kind, count=count)


async def run_bulk_operations(context: JobContext) -> None:
    done = 0
    async for _ in process_bulk_items(context.database, context.stages):
        done += 1
        context.report_progress()
    if done:
        log.info("bulk.deals_processed", count=done)


async def raise_overdue_runs(context: JobContext) -> None:
    if raised := await context.runs.raise_overdue():
        log.info("runs.priority_raised", count=raised)


async def probe_access(context: JobContext) -> None:
    if probed := await context.runs.probe_access():
        log.info("runs.probed", count=probed, reason="HubSpot had refused access")


async def rerun_deals(context: JobContext) -> None:
    if started := await context.runs.start_wanted(context.stages, hold_above=context.settings.sync_hold_above):
        log.info("runs.started", count=started, reason="deal changed")


async def recheck_deals(context: JobContext) -> None:
    """The calls of the day are for changes first."""
    if await is_paused(context.database) or await daily_share_left(context.database) < RECHECK_SHARE:
        return
    if started := await context.runs.start_rechecks(context.stages, context.clock.now()):
        log.info("runs.started", count=started, reason="recheck")


def _settle_interval(settings: Settings) -> float:
    return settings.settle_seconds / SETTLE_PARTS


JOBS: tuple[Job, ...] = (
    Job("tail", tail, lambda settings: settings.sync_interval),
    Job("backfill", backfill, lambda settings: settings.sync_interval),
    Job("settle", settle, _settle_interval),
    Job("archive", archive, _settle_interval),
    Job("reconcile", nightly_reconcile, lambda _: NIGHTLY_CHECK_SECONDS),
    Job("requested sync", when_requested("sync", once), lambda _: REQUEST_SECONDS),
    Job("requested backfill", when_requested("backfill", backfill_again), lambda _: REQUEST_SECONDS),
    Job("requested reconcile", when_requested("reconcile", reconcile), lambda _: REQUEST_SECONDS),
    Job("bulk", run_bulk_operations, lambda _: REQUEST_SECONDS),
    Job("rerun", rerun_deals, lambda settings: settings.reaper_interval_seconds),
    Job("recheck", recheck_deals, lambda _: RECHECK_SECONDS),
    Job("reap", reap_runs, lambda settings: settings.reaper_interval_seconds),
    Job("sweep", sweep_runs, lambda _: SWEEP_SECONDS),
    Job("repair", repair_runs, lambda _: REPAIR_SECONDS),
    Job("overdue", raise_overdue_runs, lambda _: OVERDUE_SECONDS),
    Job("access", probe_access, lambda _: PROBE_SECONDS),
    Job("stage stats", refresh_stage_stats, lambda _: STATS_SECONDS),
    Job("purge", purge, lambda _: PURGE_SECONDS),
)
