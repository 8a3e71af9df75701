"""`python -m pipeline status`: whether the queue goes on, what is in it, and what is done to it."""

from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import text

from pipeline.cli.command import ask_for, console, say
from pipeline.operations.audited import Asking
from pipeline.operations.bulk_progress import bulk_progress
from pipeline.operations.find import find_deal
from pipeline.runs.controls import PAUSE, is_paused

_COUNTS = text("""
SELECT status::text, reason::text, count(*) AS n FROM pipeline_runs
WHERE status IN ('QUEUED', 'RUNNING', 'RETRYING') GROUP BY status, reason ORDER BY status, reason
""")
_PAUSED_BY = text("SELECT requested_by, requested_at FROM controls WHERE name = :name")
_BULK = text("SELECT id FROM bulk_operations WHERE status = 'RUNNING' ORDER BY id")
_RUN = text("""
SELECT r.id, r.number, r.trigger::text, r.status::text, r.reason::text, r.requested_by, r.created_at, r.ended_at
FROM pipeline_runs AS r WHERE r.deal_id = :deal_id ORDER BY r.number DESC LIMIT 10
""")

Deal = Annotated[str | None, typer.Argument(help="Of this deal: its last ten runs. By id or address.")]


def status(deal: Deal = None) -> None:
    """Whether the queue goes on, what is in it, and what is done to it."""

    async def work(asking: Asking) -> None:
        await (_queue(asking) if deal is None else _deal(asking, deal))

    ask_for(work)


async def _queue(asking: Asking) -> None:
    if await is_paused(asking.database):
        flag = (await asking.database.run(_PAUSED_BY, {"name": PAUSE}))[0]
        say(f"The queue is paused, by {flag.requested_by} since {flag.requested_at:%Y-%m-%d %H:%M} UTC.")
    counts = await asking.database.run(_COUNTS)
    words = [f"{row.n} {row.status.lower()}{f' ({row.reason.lower()})' if row.reason else ''}" for row in counts]
    say(f"Active runs: {', '.join(words)}." if words else "No run is active.")
    for bulk in await asking.database.run(_BULK):
        say((await bulk_progress(asking.database, bulk.id)).sentence)


async def _deal(asking: Asking, reference: str) -> None:
    deal_id = await find_deal(asking.database, reference)
    table = Table("Run", "Number", "For", "Status", "Reason", "Asked by", "Made", "Ended")
    for row in await asking.database.run(_RUN, {"deal_id": deal_id}):
        times = (f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "" for moment in (row.created_at, row.ended_at))
        table.add_row(
            str(row.id), str(row.number), row.trigger, row.status, row.reason or "", row.requested_by or "", *times
        )
    console.print(table)
