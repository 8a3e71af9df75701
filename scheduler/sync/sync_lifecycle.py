"""Around every sync: one at a time of each kind, its row in sync_runs, and what its errors mean."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

import structlog

from core.error_text import line
from core.errors import DatabaseUnavailable
from core.logs import redact
from crm.call_count import count_calls
from crm.errors import AccessDenied, CrmError
from models import SyncKind, SyncOutcome
from scheduler.context import JobContext
from scheduler.leadership import LeadershipLost
from scheduler.sync.first_contact import ensure_state
from scheduler.sync.record_reader import RecordReader
from scheduler.sync.rejects import reject_keys
from scheduler.sync.rerun_on import rerun_properties
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.sync_result import SyncResult
from scheduler.sync.sync_runs import SyncEnd, SyncProgress, end_sync_run, start_sync_run

log = structlog.get_logger()

# After a refusal that only a person can change: HubSpot counts every refused call as an error of the app.
COOLDOWN_SECONDS = 60.0

# What a sync does; it returns the watermark that it has set, if any.
SyncBody = Callable[[RunningSync], Awaitable[datetime | None]]


async def run_sync(
    context: JobContext,
    kind: SyncKind,
    body: SyncBody,
    is_due: Callable[[JobContext], Awaitable[bool]] | None = None,
) -> SyncResult | None:
    """Run the sync and record how it ended; an error of HubSpot or the database is recorded, not raised.

    `is_due` is evaluated once no other sync of the kind runs: that one may have made this one unnecessary. Then the
    result is None.
    """
    if context.cooldown.is_active():
        error = f"It did not begin: less than a minute ago, HubSpot refused the last sync. {context.cooldown.reason}"
        return SyncResult(kind=kind, outcome=SyncOutcome.FAILED, error=error)
    async with context.sync_locks[kind]:
        if is_due is None or await is_due(context):
            return await _run_and_record(context, kind, body)
    return None


async def _run_and_record(context: JobContext, kind: SyncKind, body: SyncBody) -> SyncResult:
    started_at = context.clock.monotonic()
    progress = await start_sync_run(context.database, kind, fence=context.fence, now=started_at)
    try:
        with count_calls() as progress.calls:
            watermark = await body(await _running_sync(context, kind, progress))
    except asyncio.CancelledError:
        error = "The sync was cancelled: the scheduler was stopped, no longer leads, or the sync hung."
        await _end(context, progress, SyncEnd(outcome=SyncOutcome.INTERRUPTED, error=error))
        raise
    except LeadershipLost as lost:
        end = SyncEnd(outcome=SyncOutcome.INTERRUPTED, error=str(lost))
        await _end(context, progress, end)
    except (CrmError, DatabaseUnavailable) as error:
        end = await _fail(context, kind, progress, error)
    except Exception as error:
        # A mistake of ours is recorded as well; the job run logs its traceback.
        await _fail(context, kind, progress, error)
        raise
    else:
        lag = context.clock.monotonic() - started_at
        end = SyncEnd(outcome=SyncOutcome.DONE, watermark=watermark, lag_seconds=lag)
        await _end(context, progress, end)
        log.info("sync.done", kind=kind, **{name: count for name, count in asdict(progress.counts).items() if count})
    seconds = context.clock.monotonic() - started_at
    return SyncResult(kind=kind, outcome=end.outcome, seconds=seconds, counts=progress.counts, error=end.error)


async def _fail(context: JobContext, kind: SyncKind, progress: SyncProgress, error: Exception) -> SyncEnd:
    message = redact(line(error))
    if isinstance(error, AccessDenied):
        context.cooldown.start(COOLDOWN_SECONDS, message)
    log.warning("sync.failed", kind=kind, error=message)
    end = SyncEnd(outcome=SyncOutcome.FAILED, error=message)
    await _end(context, progress, end)
    return end


async def _end(context: JobContext, progress: SyncProgress, end: SyncEnd) -> None:
    """If the database is unavailable, the row stays RUNNING, and the next sync of the kind ends it."""
    try:
        # Shielded: a sync that is cancelled while it records its end has ended nevertheless.
        await asyncio.shield(end_sync_run(context.database, progress, end))
    except DatabaseUnavailable as failure:
        log.warning("sync.outcome_not_recorded", outcome=end.outcome, error=redact(str(failure)))


async def _running_sync(context: JobContext, kind: SyncKind, progress: SyncProgress) -> RunningSync:
    state = await ensure_state(context)
    return RunningSync(
        context=context,
        kind=kind,
        state=state,
        reader=RecordReader(context.catalog, state.first_contact_at, context.settings.backfill_process),
        progress=progress,
        rejected=set(await reject_keys(context.database)),
        rerun_on=await rerun_properties(context),
    )
