"""The HubSpot sync: every deal modified since the watermark, page by page, each page one transaction.

The search is a keyset over the immutable id with no upper bound, so a deal that changes during the scan cannot slip
through a page border; a scan that was killed goes on behind its last stored page.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from core.logs import redact
from crm.client import SearchPage
from crm.errors import BadAnswer, CrmError
from models import SyncOutcome
from pipeline.runs.intake import store_page
from scheduler.context import Context
from scheduler.records import ReadPage, read_page
from scheduler.rejects import store_rejects
from scheduler.scan_state import Scan, finish_scan, load_scan, save_scan, watermark_after
from scheduler.sync_record import SyncCounts, begin_run, end_run, note_progress

log = structlog.get_logger()

# HTTP's Date header has whole seconds; the scan may have begun up to one earlier than it says.
DATE_HEADER_STEP = timedelta(seconds=1)


async def sync_deals(context: Context) -> None:
    """Run one sync and record its outcome; what HubSpot or the database refuses is the record's error."""
    sync = Sync(context, await load_scan(context.database))
    sync.run_id = await begin_run(context.database, sync.scan.floor)
    try:
        await sync.run()
    except asyncio.CancelledError:
        await asyncio.shield(sync.end(SyncOutcome.INTERRUPTED, "The scheduler was stopped in the middle of the sync."))
        raise
    except (CrmError, DBAPIError, OSError, TimeoutError) as error:
        log.warning("sync.failed", error=str(error))
        await sync.end(SyncOutcome.FAILED, redact(str(error)) or type(error).__name__)


class Sync:
    """One pass: `scan` is how far it is, `counts` what it has done."""

    def __init__(self, context: Context, scan: Scan) -> None:
        self._context = context
        self.scan = scan
        self.counts = SyncCounts()
        self.run_id = 0

    async def run(self) -> None:
        while True:
            page = await self._context.crm.search_deals(modified_since=self.scan.floor, after_id=self.scan.last_id)
            if self.scan.started_at is None:
                self.scan = replace(self.scan, started_at=page.server_time - DATE_HEADER_STEP)
            await self._store(await read_page(page.records, self._context.catalog, after_id=self.scan.last_id))
            if page.total <= len(page.records):
                break
            _must_advance(page)
        overlap = timedelta(seconds=self._context.settings.overlap_seconds)
        watermark = watermark_after(self.scan, overlap)
        await finish_scan(self._context.database, watermark)
        await end_run(self._context.database, self.run_id, SyncOutcome.DONE, self.counts, watermark=watermark)
        log.info("sync.done", seen=self.counts.seen, new=self.counts.new, changed=self.counts.changed)

    async def _store(self, page: ReadPage) -> None:
        """Deals, runs, jobs and cursor of the page in one transaction; a page without news moves nothing."""
        scan = replace(self.scan, last_id=page.last_id)
        async with self._context.database.write() as session:
            stored = await store_page(session, page.deals, stages=self._context.stages)
            rejected = await store_rejects(session, page.rejects)
            counts = self.counts.plus(
                SyncCounts(1, len(page.deals) + len(page.rejects), stored.new, stored.changed, len(page.rejects))
            )
            if stored.new or stored.changed or rejected:
                await save_scan(session, scan)
                await note_progress(session, self.run_id, counts)
        self.scan, self.counts = scan, counts

    async def end(self, outcome: SyncOutcome, error: str) -> None:
        """Record how the sync ended; a database that is away leaves that to the next start."""
        try:
            await end_run(self._context.database, self.run_id, outcome, self.counts, error=error)
        except (DBAPIError, OSError, TimeoutError) as failure:
            log.warning("sync.outcome_not_recorded", outcome=outcome, error=str(failure))


def _must_advance(page: SearchPage) -> None:
    """More deals are announced: an empty page then is a fault of the answer, and the scan must not end on it."""
    if not page.records:
        raise BadAnswer(f"HubSpot announced {page.total} more deals and sent an empty page.")
