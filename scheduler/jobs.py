"""What the leading scheduler does again and again: whoever adds a job adds it to JOBS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from core.settings import Settings
from pipeline.operations.bulk_work import work_on_bulk
from pipeline.runs.controls import is_paused
from pipeline.runs.overdue import raise_overdue
from pipeline.runs.reconcile import reconcile as reconcile_runs
from pipeline.runs.rerun import start_wanted
from pipeline.runs.rescue import reap, sweep
from scheduler.context import Context
from scheduler.purge import purge
from scheduler.requests import asked_for
from scheduler.stage_stats import refresh_stage_stats
from scheduler.sync.sync_jobs import archive, backfill, backfill_again, nightly_reconcile, once, reconcile, settle, tail
from scheduler.sync.sync_runs import close_dead_runs

log = structlog.get_logger()

SWEEP_SECONDS = 15
REPAIR_SECONDS = 60
AGE_SECONDS = 5
STATS_SECONDS = 60
PURGE_SECONDS = 3600
NIGHTLY_LOOK_SECONDS = 60
REQUEST_SECONDS = 2
# Of the settle bound: how often a settle scan looks, and the recycle bin is read.
SETTLE_PARTS = 6


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called every `seconds(settings)`, first when it begins to lead, never twice at a time."""

    name: str
    run: Callable[[Context], Awaitable[None]]
    seconds: Callable[[Settings], float]


async def take_over(context: Context) -> None:
    """Before the first job of a scheduler that begins to lead: what the last leader has left under way has ended."""
    await close_dead_runs(context.database, context.fence)


async def reap_runs(context: Context) -> None:
    if requeued := await reap(context.database, lease_seconds=context.settings.lease_seconds):
        log.warning("runs.requeued", count=requeued, reason="lease over")


async def sweep_runs(context: Context) -> None:
    # While the queue is paused a run without a job is as it should be; whoever resumes delivers it.
    if await is_paused(context.database):
        return
    if requeued := await sweep(context.database):
        log.warning("runs.requeued", count=requeued, reason="no job")


async def reconcile_deals(context: Context) -> None:
    for kind, count in (await reconcile_runs(context.database)).items():
        log.error("rows.repaired", kind=kind, count=count)


async def bulk_operations(context: Context) -> None:
    if done := await work_on_bulk(context.database, context.stages, context.progress):
        log.info("bulk.done", deals=done)


async def age_runs(context: Context) -> None:
    if raised := await raise_overdue(context.database):
        log.info("runs.raised", count=raised)


async def rerun_deals(context: Context) -> None:
    if started := await start_wanted(context.database, context.stages):
        log.info("runs.started", count=started, reason="deal changed")


def _every_settle_part(settings: Settings) -> float:
    return settings.settle_seconds / SETTLE_PARTS


JOBS: tuple[Job, ...] = (
    Job("tail", tail, lambda settings: settings.sync_interval),
    Job("backfill", backfill, lambda settings: settings.sync_interval),
    Job("settle", settle, _every_settle_part),
    Job("archive", archive, _every_settle_part),
    Job("reconcile", nightly_reconcile, lambda _: NIGHTLY_LOOK_SECONDS),
    Job("asked sync", asked_for("sync", once), lambda _: REQUEST_SECONDS),
    Job("asked backfill", asked_for("backfill", backfill_again), lambda _: REQUEST_SECONDS),
    Job("asked reconcile", asked_for("reconcile", reconcile), lambda _: REQUEST_SECONDS),
    Job("bulk", bulk_operations, lambda _: REQUEST_SECONDS),
    Job("rerun", rerun_deals, lambda settings: settings.reaper_interval_seconds),
    Job("reap", reap_runs, lambda settings: settings.reaper_interval_seconds),
    Job("sweep", sweep_runs, lambda _: SWEEP_SECONDS),
    Job("repair", reconcile_deals, lambda _: REPAIR_SECONDS),
    Job("age", age_runs, lambda _: AGE_SECONDS),
    Job("stage stats", refresh_stage_stats, lambda _: STATS_SECONDS),
    Job("purge", purge, lambda _: PURGE_SECONDS),
)
