"""The five kinds of sync, each a job. Together they are complete (docs/sync.md says why):

tail       every few seconds: what changed since the last one, less an overlap
settle     what the search index showed later than that
backfill   once: everything that was there before the first contact
archive    the recycle bin, which no search shows
reconcile  nightly and on demand: everything compared, whatever else has failed
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from crm.records import LONGEST_ID
from models import SyncKind
from scheduler.context import Context
from scheduler.leadership import check_fence
from scheduler.sync.list_scan import ListScan
from scheduler.sync.missing_deals import look_up
from scheduler.sync.rejects import RETRIED_AT_ONCE, forget_rejects
from scheduler.sync.running_sync import Sync
from scheduler.sync.scan_parts import Scan, clear_scans, load_scans
from scheduler.sync.search_scan import read_search
from scheduler.sync.sync_lifecycle import recorded
from scheduler.sync.sync_state import FIRST_FLOOR, FORGET_BACKFILL, load_state, move


async def tail(context: Context) -> None:
    """Deals modified since the last tail began, and the records that could not be read so far."""
    await recorded(context, SyncKind.TAIL, _tail)


async def _tail(sync: Sync) -> datetime | None:
    floor = sync.state.tail_from - timedelta(seconds=sync.context.settings.overlap_seconds)
    begun = await _search(sync, floor)
    await _retry_rejects(sync)
    await _finish(sync, "tail_from", begun)
    return None


async def settle(context: Context) -> None:
    """Deals modified since the watermark. Only this scan moves it: to its own start, less the settle bound."""
    await recorded(context, SyncKind.SETTLE, _settle)


async def _settle(sync: Sync) -> datetime | None:
    begun = await _search(sync, sync.state.watermark)
    watermark = begun - timedelta(seconds=sync.context.settings.settle_seconds)
    await _finish(sync, "watermark", watermark)
    return watermark


async def backfill(context: Context) -> None:
    """All deals, once; done already is nothing to do."""
    await recorded(
        context, SyncKind.BACKFILL, lambda sync: _list(sync, "backfilled_at", prove=False), _is_backfill_wanted
    )


async def _is_backfill_wanted(context: Context) -> bool:
    state = await load_state(context.database)
    return state is None or state.backfilled_at is None


async def backfill_again(context: Context) -> None:
    """All deals, once more, from the first; one that is killed goes on by itself."""
    async with context.database.write() as session:
        await clear_scans(session, SyncKind.BACKFILL)
        await session.execute(FORGET_BACKFILL)
        await check_fence(session, context.fence)
    await backfill(context)


async def once(context: Context) -> None:
    """One sync as a person means it: what is new since the last one; everything, if there was none."""
    await backfill(context)
    await tail(context)


async def archive(context: Context) -> None:
    """The recycle bin: what came into it, and what has left it (restored, or gone after 90 days)."""
    await recorded(context, SyncKind.ARCHIVE, lambda sync: _list(sync, "archive_read_at", archived=True))


async def reconcile(context: Context) -> None:
    """Compare every deal with HubSpot's store. What it finds, the other syncs have missed: it should find nothing."""
    await recorded(context, SyncKind.RECONCILE, _reconcile)


async def nightly_reconcile(context: Context) -> None:
    """Once after each RECONCILE_HOUR; one that was killed goes on at once."""
    await recorded(context, SyncKind.RECONCILE, _reconcile, _is_night)


async def _reconcile(sync: Sync) -> None:
    await _list(sync, "reconciled_at")


async def _is_night(context: Context) -> bool:
    state = await load_state(context.database)
    if state is None or state.backfilled_at is None:
        return False
    last = max(state.reconciled_at or state.backfilled_at, state.backfilled_at)
    return last < _last_hour(context) or bool(await load_scans(context.database, SyncKind.RECONCILE))


def _last_hour(context: Context) -> datetime:
    now = context.clock.now()
    today = now.replace(hour=context.settings.reconcile_hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


async def _search(sync: Sync, floor: datetime) -> datetime:
    """Search from `floor`, or go on with the scan that was killed; HubSpot's clock at the scan's start."""
    scans = await load_scans(sync.context.database, sync.kind)
    scan = scans[0] if scans else Scan(sync.kind, floor=max(floor, FIRST_FLOOR))
    sync.record.floor = scan.floor
    await read_search(sync, scan)
    if scan.started_at is None:
        raise AssertionError("A scan that was read to its end has begun")
    return scan.started_at


async def _list(sync: Sync, moved: str, *, archived: bool = False, prove: bool = True) -> datetime | None:
    parts = await ListScan(sync, archived=archived, prove=prove).read()
    begun = [part.started_at for part in parts if part.started_at is not None]
    await _finish(sync, moved, min(begun, default=sync.asked_at()))
    return None


async def _finish(sync: Sync, moved: str, moment: datetime) -> None:
    """The scan has read everything: its cursor goes, and what it has proven is noted, if we still lead."""

    async def write(session: AsyncSession) -> None:
        await clear_scans(session, sync.kind)
        await move(session, moved, moment)

    await _fenced(sync, write)


async def _fenced(sync: Sync, write: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async with sync.context.database.write() as session:
        await write(session)
        await check_fence(session, sync.context.fence)


async def _retry_rejects(sync: Sync) -> None:
    """Ask for the records that could not be read once more; what HubSpot has no more is taken off the list."""
    ids = [key for key in sync.rejected if len(key) <= LONGEST_ID][:RETRIED_AT_ONCE]
    if not ids:
        return
    page = await look_up(sync, ids)
    gone = [*page.purged, *page.successors]
    await sync.keep(page)
    if gone:

        async def forget(session: AsyncSession) -> None:
            await forget_rejects(session, gone)

        await _fenced(sync, forget)
