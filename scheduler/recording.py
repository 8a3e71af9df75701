"""Around every sync: its turn, its record, and what its errors mean."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError

from core.logs import redact
from crm.call_count import count_calls
from crm.errors import CrmError, MissingScopes
from models import SyncKind, SyncOutcome
from scheduler.context import Context
from scheduler.first_contact import known_state
from scheduler.leadership import LostLease
from scheduler.records import Reader
from scheduler.rejects import reject_keys
from scheduler.sync import Sync
from scheduler.sync_record import End, Record, begin_run, end_run

log = structlog.get_logger()

# What a token may not do is asked again after so long: every refusal counts as an error with HubSpot.
REFUSED_SECONDS = 60.0

# What a sync does; it answers with the watermark that it has moved, if it has.
Body = Callable[[Sync], Awaitable[datetime | None]]


async def _always(_: Context) -> bool:
    return True


async def recorded(
    context: Context, kind: SyncKind, body: Body, wanted: Callable[[Context], Awaitable[bool]] = _always
) -> None:
    """Do it, one of a kind at a time, and record how it ended; what HubSpot or the database refuses is its error.

    Whether it is `wanted` is asked when its turn comes: the one before may have done it.
    """
    if context.gate.is_shut():
        return
    async with context.turns[kind]:
        if await wanted(context):
            await _recorded(context, kind, body)


async def _recorded(context: Context, kind: SyncKind, body: Body) -> None:
    began = context.clock.monotonic()
    record = await begin_run(context.database, kind, fence=context.fence, now=began)
    try:
        with count_calls() as record.calls:
            watermark = await body(await _sync(context, kind, record))
    except asyncio.CancelledError:
        error = "The sync was cut off: the scheduler was stopped, does not lead any more, or the sync hung."
        await _end(context, record, End(outcome=SyncOutcome.INTERRUPTED, error=error))
        raise
    except LostLease as lost:
        await _end(context, record, End(outcome=SyncOutcome.INTERRUPTED, error=str(lost)))
    except (CrmError, DBAPIError, OSError, TimeoutError) as error:
        await _failed(context, kind, record, error)
    else:
        lag = context.clock.monotonic() - began
        await _end(context, record, End(outcome=SyncOutcome.DONE, watermark=watermark, lag_seconds=lag))
        log.info("sync.done", kind=kind, **{name: count for name, count in asdict(record.counts).items() if count})


async def _failed(context: Context, kind: SyncKind, record: Record, error: Exception) -> None:
    if isinstance(error, MissingScopes):
        context.gate.shut(REFUSED_SECONDS)
    said = redact(str(error)) or type(error).__name__
    log.warning("sync.failed", kind=kind, error=said)
    await _end(context, record, End(outcome=SyncOutcome.FAILED, error=said))


async def _end(context: Context, record: Record, end: End) -> None:
    """A database that is away leaves the record to the next sync, which finds it RUNNING."""
    try:
        # A sync that is cut off just when it ends has ended all the same.
        await asyncio.shield(end_run(context.database, record, end))
    except (DBAPIError, OSError, TimeoutError) as failure:
        log.warning("sync.outcome_not_recorded", outcome=end.outcome, error=redact(str(failure)))


async def _sync(context: Context, kind: SyncKind, record: Record) -> Sync:
    state = await known_state(context)
    return Sync(
        context=context,
        kind=kind,
        state=state,
        reader=Reader(context.catalog, state.first_contact_at, context.settings.backfill_process),
        record=record,
        rejected=set(await reject_keys(context.database)),
    )
