"""A sync that a person starts: `python -m scheduler --once`, `--backfill` or `--reconcile`.

If another scheduler leads, the sync is requested from it and watched; otherwise this process leads while it runs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from models import SyncKind, SyncOutcome
from pipeline.runs.controls import request_control
from scheduler.context import JobContext
from scheduler.leadership import Leadership, scheduler_name
from scheduler.requests import RequestedJob, is_open, results_of
from scheduler.sync.sync_jobs import backfill_again, once, reconcile
from scheduler.sync.sync_result import SyncResult

REFRESH_SECONDS = 0.3
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ManualSync:
    """`request` names the row of `controls` that requests it from another scheduler, `kinds` are the syncs it runs."""

    request: str
    run: RequestedJob
    kinds: tuple[SyncKind, ...]


MANUAL_SYNCS = (
    ManualSync("sync", once, (SyncKind.TAIL, SyncKind.BACKFILL)),
    ManualSync("backfill", backfill_again, (SyncKind.BACKFILL,)),
    ManualSync("reconcile", reconcile, (SyncKind.RECONCILE,)),
)

_LAST_ID = text("SELECT coalesce(max(id), 0) AS id FROM sync_runs")
_PROGRESS = text("""
SELECT kind::text, seen, backlog FROM sync_runs
WHERE id > :since AND kind::text = ANY(CAST(:kinds AS text[])) ORDER BY id
""")


async def run_manual_sync(context: JobContext, leadership: Leadership, sync: ManualSync, console: Console) -> bool:
    """Whether every sync succeeded; prints progress and a summary to the console."""
    since = int((await context.database.run(_LAST_ID))[0].id)
    selected = {"since": since, "kinds": list(sync.kinds)}
    showing = asyncio.create_task(_show_progress(context.database, selected, console))
    try:
        results = await _request_or_run(context, leadership, sync, console)
    finally:
        await _cancelled(showing)
    return _print_summary(results, console)


async def _request_or_run(
    context: JobContext, leadership: Leadership, sync: ManualSync, console: Console
) -> list[SyncResult] | None:
    """The leader may die before it has served the request: then this process leads, and runs the sync itself."""
    if not await leadership.tick():
        console.print("Another scheduler leads; the sync has been requested from it.")
        async with context.database.write() as session:
            await request_control(session, sync.request, scheduler_name())
        while not await leadership.tick():
            if not await is_open(context.database, sync.request):
                return await results_of(context.database, sync.request)
            await asyncio.sleep(TICK_SECONDS)
    return await _lead_and_run(context, leadership, sync)


async def _lead_and_run(context: JobContext, leadership: Leadership, sync: ManualSync) -> list[SyncResult]:
    keeper = asyncio.create_task(_keep_leading(leadership))
    try:
        return list(await sync.run(replace(context, fence=leadership.fence or 0)))
    finally:
        await _cancelled(keeper)
        # If the database is unavailable, the lease expires.
        with suppress(DatabaseUnavailable):
            await leadership.release()


async def _keep_leading(leadership: Leadership) -> None:
    """Until it is cancelled. If the lease is lost nevertheless, the fence refuses the next write."""
    while True:
        with suppress(DatabaseUnavailable):
            await leadership.tick()
        await asyncio.sleep(TICK_SECONDS)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, DatabaseUnavailable):
        await task


async def _show_progress(database: Database, selected: Mapping[str, object], console: Console) -> None:
    """Until it is cancelled."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        while True:
            for row in await database.run(_PROGRESS, selected):
                if row.kind not in bars:
                    bars[row.kind] = progress.add_task(row.kind.lower(), total=None)
                progress.update(bars[row.kind], completed=row.seen, total=row.backlog)
            await asyncio.sleep(REFRESH_SECONDS)


def _print_summary(results: Sequence[SyncResult] | None, console: Console) -> bool:
    """Whether every sync succeeded. A sentence that two of them share is printed once."""
    if results is None:
        console.print(
            "The scheduler that leads has run the sync, but does not say what came of it: it is of an earlier release. "
            "The page shows the state of the sync."
        )
        return False
    if not results:
        console.print("There was nothing to do: another sync of this kind has just read all deals.")
    for sentence in dict.fromkeys(sentence for result in results for sentence in result.sentences()):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    return all(result.outcome is SyncOutcome.DONE for result in results)
