"""Syncs that people request: a row of `controls`, which the leading scheduler reads and marks as done."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text

from core.database import Database
from models.conditions import is_open as is_open_control
from scheduler.context import JobContext

_OPEN = text(f"""
SELECT requested_at FROM controls AS c WHERE name = :name AND {is_open_control()}
""")  # noqa: S608 - a constant of ours

# A request made while the last one is being served is another request, and stays open.
_MARK_DONE = text("UPDATE controls SET taken_at = greatest(taken_at, :requested_at) WHERE name = :name")


async def is_open(database: Database, name: str) -> bool:
    return bool(await database.run(_OPEN, {"name": name}))


def when_requested(name: str, job: Callable[[JobContext], Awaitable[None]]) -> Callable[[JobContext], Awaitable[None]]:
    """The job, run only when a request is open; the request stays open if the job is cancelled."""

    async def run(context: JobContext) -> None:
        found = await context.database.run(_OPEN, {"name": name})
        if found:
            await job(context)
            await context.database.run(_MARK_DONE, {"name": name, "requested_at": found[0].requested_at})

    return run
