"""`python -m pipeline status`: the state of the queue, or the last runs of a deal."""

from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy import text

from core.database import Database
from models.conditions import PAUSE, is_active, waits_for_access
from pipeline.cli.command import command, console, operation_context, say
from pipeline.operations.bulk_progress import bulk_progress
from pipeline.operations.find import find_deal
from pipeline.runs.controls import is_paused

_COUNTS = text(f"""
SELECT status::text, reason::text, count(*) AS n FROM pipeline_runs AS r
WHERE {is_active()} GROUP BY status, reason ORDER BY status, reason
""")  # noqa: S608 - a constant of ours
_WAITS = text(f"""
SELECT waits_for, count(*) AS n FROM pipeline_runs AS r WHERE {waits_for_access()}
GROUP BY waits_for ORDER BY n DESC, waits_for
""")  # noqa: S608 - a constant of ours
_PAUSED_BY = text("SELECT requested_by, requested_at FROM controls WHERE name = :name")
_BULK = text("SELECT id FROM bulk_operations WHERE status = 'RUNNING' ORDER BY id")
_RUN = text(f"""
SELECT r.id, r.number, r.trigger::text, r.status::text, r.requested_by, r.created_at, r.ended_at,
       coalesce(r.reason::text, CASE WHEN {waits_for_access()} THEN 'waits for ' || r.waits_for END) AS reason
FROM pipeline_runs AS r WHERE r.deal_id = :deal_id ORDER BY r.number DESC LIMIT 10
""")  # noqa: S608 - a constant of ours

app = typer.Typer()

Deal = Annotated[str | None, typer.Argument(help="Show the last ten runs of this deal, by id or address.")]


@command(app)
async def status(deal: Deal = None) -> None:
    """Show whether the queue is paused, its active runs and its bulk operations."""
    async with operation_context() as context:
        await (_show_queue(context.database) if deal is None else _show_deal(context.database, deal))


async def _show_queue(database: Database) -> None:
    if await is_paused(database):
        flag = (await database.run(_PAUSED_BY, {"name": PAUSE}))[0]
        say(f"The queue is paused, by {flag.requested_by} since {flag.requested_at:%Y-%m-%d %H:%M} UTC.")
    counts = await database.run(_COUNTS)
    words = [f"{row.n} {row.status.lower()}{f' ({row.reason.lower()})' if row.reason else ''}" for row in counts]
    say(f"Active runs: {', '.join(words)}." if words else "No run is active.")
    for wait in await database.run(_WAITS):
        runs, they = (
            ("1 run waits", "it continues by itself")
            if wait.n == 1
            else (f"{wait.n} runs wait", "they continue by themselves")
        )
        say(f"{runs} for {wait.waits_for}. Once HubSpot grants it, {they}.")
    for bulk in await database.run(_BULK):
        say((await bulk_progress(database, bulk.id)).sentence)


async def _show_deal(database: Database, address: str) -> None:
    deal_id = await find_deal(database, address)
    table = Table("Run", "Number", "Trigger", Column("Status", no_wrap=True), "Reason", "By", "Created", "Ended")
    for row in await database.run(_RUN, {"deal_id": deal_id}):
        times = (f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "" for moment in (row.created_at, row.ended_at))
        table.add_row(
            str(row.id), str(row.number), row.trigger, row.status, row.reason or "", row.requested_by or "", *times
        )
    console.print(table)
