"""The five kinds of sync, each a job. Together they are complete; docs/sync.md explains why.

tail       every few seconds: what changed since the last one, plus an overlap
settle     what the search index showed later than that
backfill   once: every deal that existed before the first contact
archive    the recycle bin, which no search shows
reconcile  nightly and on demand: compares every deal, whatever the other syncs did
"""

from datetime import datetime, timedelta

from crm.records import LONGEST_ID
from models import SyncKind, SyncOutcome
from scheduler.context import JobContext
from scheduler.leadership import check_fence
from scheduler.sync.list_scan import ListScan
from scheduler.sync.missing_deals import look_up
from scheduler.sync.rejects import RETRIED_AT_ONCE, forget_rejects
from scheduler.sync.running_sync import RunningSync
from scheduler.sync.scan_parts import ScanPart, clear_parts, load_parts
from scheduler.sync.search_scan import read_search
from scheduler.sync.sync_lifecycle import run_sync
from scheduler.sync.sync_result import SyncResult
from scheduler.sync.sync_state import FIRST_FLOOR, advance, forget_backfill, load_state


async def tail(context: JobContext) -> SyncResult | None:
    """Deals modified since the last tail began, and the records that could not be read so far."""
    return await run_sync(context, SyncKind.TAIL, _tail)


async def _tail(sync: RunningSync) -> datetime | None:
    floor = sync.state.tail_from - timedelta(seconds=sync.context.settings.overlap_seconds)
    started_at = await _search(sync, floor)
    await _retry_rejects(sync)
    await _finish(sync, "tail_from", started_at)
    return None


async def settle(context: JobContext) -> None:
    """Deals modified since the watermark. Only this sync advances it: to its own start, less the settle bound."""
    await run_sync(context, SyncKind.SETTLE, _settle)


async def _settle(sync: RunningSync) -> datetime | None:
    started_at = await _search(sync, sync.state.watermark)
    watermark = started_at - timedelta(seconds=sync.context.settings.settle_seconds)
    await _finish(sync, "watermark", watermark)
    return watermark


async def backfill(context: JobContext) -> SyncResult | None:
    """All deals, once; a repeated call does nothing."""
    return await run_sync(
        context, SyncKind.BACKFILL, lambda sync: _list(sync, "backfilled_at", find_missing=False), _is_backfill_due
    )


async def _is_backfill_due(context: JobContext) -> bool:
    state = await load_state(context.database)
    return state is None or state.backfilled_at is None


async def backfill_again(context: JobContext) -> list[SyncResult]:
    """All deals once more, from the first; if it is killed, the backfill job resumes it."""
    async with context.database.write() as session:
        await clear_parts(session, SyncKind.BACKFILL)
        await forget_backfill(session)
        await check_fence(session, context.fence)
    return _ran(await backfill(context))


async def once(context: JobContext) -> list[SyncResult]:
    """What a person expects of one sync: the changes since the last one, or all deals if there was none."""
    first = await backfill(context)
    if first is not None and first.outcome is not SyncOutcome.DONE:
        return [first]
    return _ran(first, await tail(context))


def _ran(*results: SyncResult | None) -> list[SyncResult]:
    """Without the syncs that were not due."""
    return [result for result in results if result is not None]


async def archive(context: JobContext) -> None:
    """The recycle bin: deals that entered it, and deals that left it (restored, or purged after 90 days)."""
    await run_sync(context, SyncKind.ARCHIVE, lambda sync: _list(sync, "archive_read_at", archived=True))


async def reconcile(context: JobContext) -> list[SyncResult]:
    """Compare every deal with HubSpot's store. What it finds, the other syncs have missed: it should find nothing."""
    return _ran(await run_sync(context, SyncKind.RECONCILE, _reconcile))


async def nightly_reconcile(context: JobContext) -> None:
    """Once after each RECONCILE_HOUR; one that was killed is resumed at once."""
    await run_sync(context, SyncKind.RECONCILE, _reconcile, _is_reconcile_due)


async def _reconcile(sync: RunningSync) -> None:
    await _list(sync, "reconciled_at")


async def _is_reconcile_due(context: JobContext) -> bool:
    state = await load_state(context.database)
    if state is None or state.backfilled_at is None:
        return False
    now = context.clock.now()
    due_at = now.replace(hour=context.settings.reconcile_hour, minute=0, second=0, microsecond=0)
    if due_at > now:
        due_at -= timedelta(days=1)
    last = max(state.reconciled_at or state.backfilled_at, state.backfilled_at)
    return last < due_at or bool(await load_parts(context.database, SyncKind.RECONCILE))


async def _search(sync: RunningSync, floor: datetime) -> datetime:
    """Search from `floor`, or resume the unfinished scan; the scan's start by HubSpot's clock."""
    parts = await load_parts(sync.context.database, sync.kind)
    part = parts[0] if parts else ScanPart(sync.kind, floor=max(floor, FIRST_FLOOR))
    sync.progress.floor = part.floor
    await read_search(sync, part)
    if part.started_at is None:
        raise AssertionError("A scan that was read to its end has started")
    return part.started_at


async def _list(
    sync: RunningSync, column: str, *, archived: bool = False, find_missing: bool = True
) -> datetime | None:
    parts = await ListScan(sync, archived=archived, find_missing=find_missing).read()
    started_at = [part.started_at for part in parts if part.started_at is not None]
    await _finish(sync, column, min(started_at, default=sync.request_time()))
    return None


async def _finish(sync: RunningSync, column: str, moment: datetime) -> None:
    """The scan has read everything: delete its cursors and advance that time of the state."""
    async with sync.context.database.write() as session:
        await clear_parts(session, sync.kind)
        await advance(session, column, moment)
        await check_fence(session, sync.context.fence)


async def _retry_rejects(sync: RunningSync) -> None:
    """Read the rejected records again; those that HubSpot no longer has are forgotten."""
    ids = [key for key in sync.rejected if len(key) <= LONGEST_ID][:RETRIED_AT_ONCE]
    if not ids:
        return
    page = await look_up(sync, ids)
    await sync.store(page)
    if gone := [*page.purged, *page.successors]:
        async with sync.context.database.write() as session:
            await forget_rejects(session, gone)
            await check_fence(session, sync.context.fence)
