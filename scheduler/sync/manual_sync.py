"""A sync that a person starts: `python -m scheduler --once`, `--backfill` or `--reconcile`.

If another scheduler leads, the sync is requested from it and watched; otherwise this process leads while it runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from core.database import Database
from models import SyncKind
from pipeline.runs.controls import request_control
from scheduler.context import JobContext
from scheduler.leadership import Leadership, scheduler_name
from scheduler.requests import is_open
from scheduler.sync.sync_jobs import backfill_again, once, reconcile

REFRESH_SECONDS = 0.3
TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ManualSync:
    """`request` names the row of `controls` that requests it from another scheduler, `kinds` are the syncs it runs."""

    request: str
    run: Callable[[JobContext], Awaitable[None]]
    kinds: tuple[SyncKind, ...]


MANUAL_SYNCS = (
    ManualSync("sync", once, (SyncKind.TAIL, SyncKind.BACKFILL)),
    ManualSync("backfill", backfill_again, (SyncKind.BACKFILL,)),
    ManualSync("reconcile", reconcile, (SyncKind.RECONCILE,)),
)

_LAST_ID = text("SELECT coalesce(max(id), 0) AS id FROM sync_runs")
_SINCE = text("""
SELECT kind::text, outcome::text, seen, new, changed, archived, merged, rejected, held, backdated, backlog, error,
       extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at) AS seconds
FROM sync_runs WHERE id > :since AND kind::text = ANY(CAST(:kinds AS text[])) ORDER BY id
""")
SUMMARY_COUNTS = ("seen", "new", "changed", "archived", "merged", "rejected", "held", "backdated")


async def run_manual_sync(context: JobContext, leadership: Leadership, sync: ManualSync, console: Console) -> bool:
    """Whether every sync succeeded; prints progress and a summary to the console."""
    since = int((await context.database.run(_LAST_ID))[0].id)
    work = asyncio.create_task(_request_or_run(context, leadership, sync, console))
    selected = {"since": since, "kinds": list(sync.kinds)}
    await _show_progress(context.database, selected, work, console)
    await work
    # A sync that runs now is the leader's next one, started after it had served the request.
    rows = [row for row in await context.database.run(_SINCE, selected) if row.outcome != "RUNNING"]
    _print_summary(rows, console)
    return all(row.outcome == "DONE" for row in rows)


async def _request_or_run(context: JobContext, leadership: Leadership, sync: ManualSync, console: Console) -> None:
    """The leader may die before it has served the request: then this process leads, and runs the sync itself."""
    if not await leadership.tick():
        console.print("Another scheduler leads; the sync has been requested from it.")
        async with context.database.write() as session:
            await request_control(session, sync.request, scheduler_name())
        while not await leadership.tick():
            if not await is_open(context.database, sync.request):
                return
            await asyncio.sleep(TICK_SECONDS)
    await _lead_and_run(context, leadership, sync)


async def _lead_and_run(context: JobContext, leadership: Leadership, sync: ManualSync) -> None:
    keeper = asyncio.create_task(_keep_leading(leadership))
    try:
        await sync.run(replace(context, fence=leadership.fence or 0))
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await leadership.release()


async def _keep_leading(leadership: Leadership) -> None:
    """Until it is cancelled. If the lease is lost nevertheless, the fence refuses the next write."""
    while True:
        await leadership.tick()
        await asyncio.sleep(TICK_SECONDS)


async def _show_progress(
    database: Database, selected: Mapping[str, object], work: "asyncio.Task[None]", console: Console
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}
        while not work.done():
            await asyncio.wait({work}, timeout=REFRESH_SECONDS)
            for row in await database.run(_SINCE, selected):
                if row.kind not in bars:
                    bars[row.kind] = progress.add_task(row.kind.lower(), total=None)
                progress.update(bars[row.kind], completed=row.seen, total=row.backlog)


def _print_summary(rows: Sequence[Any], console: Console) -> None:
    if not rows:
        console.print("Nothing new.")
        return
    for row in rows:
        counts = ", ".join(f"{getattr(row, name)} {name}" for name in SUMMARY_COUNTS if getattr(row, name))
        outcome = f"{row.kind.capitalize()} {row.outcome.lower()} in {row.seconds:.1f} s"
        console.print(f"{outcome}: {counts or 'no changes'}.")
        if row.error:
            console.print(row.error)
