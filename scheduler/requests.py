"""Syncs that people request: a row of `controls`, which the leading scheduler reads and answers with the results."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import text

from core.database import Database
from core.errors import DatabaseUnavailable
from core.logs import redact
from models import SyncKind, SyncOutcome
from models.conditions import is_open as is_open_control
from scheduler.context import JobContext
from scheduler.leadership import LeadershipLost
from scheduler.sync.sync_result import SyncResult

RequestedJob = Callable[[JobContext], Awaitable[Sequence[SyncResult]]]
# By the name of the request, the kind of sync that a failure of ours is reported of.
_KINDS = {"sync": SyncKind.TAIL, "backfill": SyncKind.BACKFILL, "reconcile": SyncKind.RECONCILE}

_OPEN = text(f"""
SELECT requested_at FROM controls AS c WHERE name = :name AND {is_open_control()}
""")  # noqa: S608 - a constant of ours

# A request made while the last one is being served is another request, and stays open.
_MARK_DONE = text("""
UPDATE controls SET taken_at = greatest(taken_at, :requested_at), results = CAST(:results AS jsonb) WHERE name = :name
""")
_RESULTS = text("SELECT results FROM controls WHERE name = :name")


async def is_open(database: Database, name: str) -> bool:
    return bool(await database.run(_OPEN, {"name": name}))


async def results_of(database: Database, name: str) -> list[SyncResult] | None:
    """What came of the request that was served last; None when the scheduler that served it has not stored that."""
    rows = await database.run(_RESULTS, {"name": name})
    stored = rows[0].results if rows else None
    return None if stored is None else [SyncResult.from_json(result) for result in stored]


def when_requested(name: str, job: RequestedJob) -> Callable[[JobContext], Awaitable[None]]:
    """The job, run only when a request is open.

    The request stays open if the job is cancelled, or if it cannot work now; any other error of it is its result.
    """

    async def run(context: JobContext) -> None:
        found = await context.database.run(_OPEN, {"name": name})
        if not found:
            return
        try:
            results = await job(context)
        except (DatabaseUnavailable, LeadershipLost):
            raise
        except Exception as error:
            # Served nevertheless: it would fail again every two seconds, and its person would wait for ever.
            failed = SyncResult(kind=_KINDS[name], outcome=SyncOutcome.FAILED, error=redact(repr(error)))
            await _mark_done(context.database, name, found[0].requested_at, [failed])
            raise
        await _mark_done(context.database, name, found[0].requested_at, results)

    return run


async def _mark_done(database: Database, name: str, requested_at: datetime, results: Sequence[SyncResult]) -> None:
    stored = orjson.dumps([result.as_json() for result in results]).decode()
    await database.run(_MARK_DONE, {"name": name, "requested_at": requested_at, "results": stored})
