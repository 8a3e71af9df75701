"""What the leading scheduler does again and again: whoever adds a job adds it to JOBS."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from core.settings import Settings
from pipeline.runs.rescue import reap, sweep
from scheduler.context import Context
from scheduler.purge import purge
from scheduler.sync import sync_deals
from scheduler.sync_record import close_dead_runs

log = structlog.get_logger()

SWEEP_SECONDS = 15
PURGE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Job:
    """`run` is called every `seconds(settings)`, first when it begins to lead, never twice at a time."""

    name: str
    run: Callable[[Context], Awaitable[None]]
    seconds: Callable[[Settings], float]


async def take_over(context: Context) -> None:
    """Before the first job of a scheduler that begins to lead: what the last leader has left under way has ended."""
    await close_dead_runs(context.database)


async def reap_runs(context: Context) -> None:
    if requeued := await reap(context.database):
        log.warning("runs.requeued", count=requeued, reason="lease over")


async def sweep_runs(context: Context) -> None:
    if requeued := await sweep(context.database):
        log.warning("runs.requeued", count=requeued, reason="no job")


JOBS: tuple[Job, ...] = (
    Job("sync", sync_deals, lambda settings: settings.sync_interval),
    Job("reap", reap_runs, lambda settings: settings.reaper_interval_seconds),
    Job("sweep", sweep_runs, lambda _: SWEEP_SECONDS),
    Job("purge", purge, lambda _: PURGE_SECONDS),
)
