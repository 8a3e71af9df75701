"""What people ask for now: a row of `controls`, which the leading scheduler reads and notes as done."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text

from core.database import Database
from models.conditions import is_open as is_open_control
from scheduler.context import Context

_OPEN = text(f"""
SELECT requested_at FROM controls AS c WHERE name = :name AND {is_open_control()}
""")  # noqa: S608 - a constant of ours

# What is asked for while the last request is served is another request.
_TAKEN = text("UPDATE controls SET taken_at = greatest(taken_at, :asked_at) WHERE name = :name")


async def is_open(database: Database, name: str) -> bool:
    return bool(await database.run(_OPEN, {"name": name}))


def asked_for(name: str, job: Callable[[Context], Awaitable[None]]) -> Callable[[Context], Awaitable[None]]:
    """The job, run when somebody has asked for it; a request that is cut off stays open."""

    async def run(context: Context) -> None:
        found = await context.database.run(_OPEN, {"name": name})
        if found:
            await job(context)
            await context.database.run(_TAKEN, {"name": name, "asked_at": found[0].requested_at})

    return run
