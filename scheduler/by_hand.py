"""A sync that a person starts: `python -m scheduler --once`, `--backfill`, `--reconcile`.

Where another scheduler leads it is asked to do it, and watched; else this process leads for as long as it takes.
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
from scheduler.context import Context
from scheduler.leadership import Leadership, scheduler_name
from scheduler.requests import is_open
from scheduler.sync_jobs import backfill_again, once, reconcile

LOOK_SECONDS = 0.3
RENEW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Command:
    """`request` is the name of the row by which another scheduler is asked for it, `kinds` what it does then."""

    request: str
    run: Callable[[Context], Awaitable[None]]
    kinds: tuple[SyncKind, ...]


COMMANDS = (
    Command("sync", once, (SyncKind.TAIL, SyncKind.BACKFILL)),
    Command("backfill", backfill_again, (SyncKind.BACKFILL,)),
    Command("reconcile", reconcile, (SyncKind.RECONCILE,)),
)

_LAST_ID = text("SELECT coalesce(max(id), 0) AS id FROM sync_runs")
_SINCE = text("""
SELECT kind::text, outcome::text, seen, new, changed, archived, merged, rejected, held, backlog, error,
       extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at) AS seconds
FROM sync_runs WHERE id > :since AND kind::text = ANY(CAST(:kinds AS text[])) ORDER BY id
""")
COUNTED = ("seen", "new", "changed", "archived", "merged", "rejected", "held")


async def sync_by_hand(context: Context, leadership: Leadership, command: Command, console: Console) -> bool:
    """Whether every sync of it went well; progress and summary are on the console."""
    since = int((await context.database.run(_LAST_ID))[0].id)
    work = asyncio.create_task(_work(context, leadership, command, console))
    selected = {"since": since, "kinds": list(command.kinds)}
    await _watch(context.database, selected, work, console)
    await work
    rows = await context.database.run(_SINCE, selected)
    _summarise(rows, console)
    return all(row.outcome == "DONE" for row in rows)


async def _work(context: Context, leadership: Leadership, command: Command, console: Console) -> None:
    """A scheduler that was asked may die before it has done it: then this one leads, and does it."""
    if not await leadership.tick():
        console.print("Another scheduler leads; it has been asked to do this.")
        async with context.database.write() as session:
            await request_control(session, command.request, scheduler_name())
        while not await leadership.tick():
            if not await is_open(context.database, command.request):
                return
            await asyncio.sleep(RENEW_SECONDS)
    await _lead(context, leadership, command)


async def _lead(context: Context, leadership: Leadership, command: Command) -> None:
    keeper = asyncio.create_task(_keep(leadership))
    try:
        await command.run(replace(context, fence=leadership.fence or 0))
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await leadership.release()


async def _keep(leadership: Leadership) -> None:
    """For as long as it takes; should the lease be lost all the same, the fence stops the next write."""
    while True:
        await leadership.tick()
        await asyncio.sleep(RENEW_SECONDS)


async def _watch(
    database: Database, selected: Mapping[str, object], work: "asyncio.Task[None]", console: Console
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bars: dict[str, TaskID] = {}
        while not work.done():
            await asyncio.wait({work}, timeout=LOOK_SECONDS)
            for row in await database.run(_SINCE, selected):
                if row.kind not in bars:
                    bars[row.kind] = progress.add_task(row.kind.lower(), total=None)
                progress.update(bars[row.kind], completed=row.seen, total=row.backlog)


def _summarise(rows: Sequence[Any], console: Console) -> None:
    if not rows:
        console.print("Nothing new.")
        return
    for row in rows:
        counts = [f"{getattr(row, name)} {name}" for name in COUNTED if getattr(row, name)]
        console.print(f"{row.kind.capitalize()} {row.outcome.lower()} in {row.seconds:.1f} s: {', '.join(counts)}.")
        if row.error:
            console.print(row.error)
