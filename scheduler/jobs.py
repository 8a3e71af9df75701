"""What the leading scheduler does again and again: whoever adds a job adds it to JOBS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from core.settings import Settings
from pipeline.operations.bulk_work import process_bulk_items
from pipeline.runs.controls import is_paused
from scheduler.context import Context
from scheduler.purge import purge
from scheduler.requests import asked_for
from scheduler.stage_stats import refresh_stage_stats
from scheduler.sync_jobs import archive, backfill, backfill_again, nightly_reconcile, once, reconcile, settle, tail
from scheduler.sync_record import close_dead_runs

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
    if requeued := await context.runs.reap():
        log.warning("runs.requeued", count=requeued, reason="lease over")


async def sweep_runs(context: Context) -> None:
    # While the queue is paused a run without a job is as it should be; whoever resumes delivers it.
    if await is_paused(context.database):
        return
    if requeued := await context.runs.sweep():
        log.warning("runs.requeued", count=requeued, reason="no job")


async def reconcile_deals(context: Context) -> None:
    for kind, count in (await context.runs.repair()).items():
        log.error("rows.repaired", kind=kind, count=count)


async def bulk_operations(context: Context) -> None:
    done = 0
    async for _ in process_bulk_items(context.database, context.stages):
        done += 1
        context.progress()
    if done:
        log.info("bulk.done", deals=done)


async def age_runs(context: Context) -> None:
    if raised := await context.runs.raise_overdue():
        log.info("runs.raised", count=raised)


async def rerun_deals(context: Context) -> None:
    if started := await context.runs.start_wanted(context.stages):
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
