"""A running sync: it stores each page in one transaction and counts what it did.

The scans decide what is read in which order (search_scan.py, list_scan.py). This module holds for all of them: deals,
runs, jobs, rejects and cursor of a page commit together, under the fence of the leading scheduler; a page without
changes writes nothing, takes no lock and moves no cursor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models import RunReason, SyncKind
from pipeline.runs.departures import call_off, mark_merged, mark_purged, unmark
from pipeline.runs.intake import IntakeRules, PageCounts, store_page
from pipeline.runs.starting import WITHOUT_LIMIT
from scheduler.context import JobContext
from scheduler.leadership import check_fence
from scheduler.sync.merge_claims import drop_false_claims
from scheduler.sync.record_reader import DealPage, RecordReader
from scheduler.sync.rejects import forget_rejects, store_rejects
from scheduler.sync.scan_parts import ScanPart, save_part
from scheduler.sync.sync_runs import SyncCounts, SyncProgress, publish_progress, save_progress
from scheduler.sync.sync_state import SyncStateRow

# How often progress is written while no page has anything to store.
PUBLISH_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class RunningSync:
    """`rejected` are the keys of the records that could not be read; a change of one of `rerun_on` requests a run."""

    context: JobContext
    kind: SyncKind
    state: SyncStateRow
    reader: RecordReader
    progress: SyncProgress
    rejected: set[str]
    rerun_on: tuple[str, ...]

    async def read(self, records: Sequence[dict[str, Any]], read_at: datetime, *, searched: bool = False) -> DealPage:
        """The page of these records; `searched` as in DealPage."""
        page = await self.reader.read(records, read_at, searched=searched)
        await drop_false_claims(self.context, page)
        return page

    async def store(
        self, page: DealPage, part: ScanPart | None = None, *, last_id: int = 0, done: bool = False
    ) -> Sequence[str]:
        """Store the page and move the cursor of `part` to `last_id`; a page of deals that were read by id has no part.

        Returns the deals that a search shows otherwise than they are stored, without proof that it is newer.
        The cursor of a page without changes is saved only when the part is `done`. LeadershipLost, and nothing stored,
        when another scheduler leads.
        """
        started_runs = part.started_runs if part else 0
        async with self.context.database.write() as session:
            stored, counts, written = await self._write(session, page, started_runs)
            started_runs += stored.started
            if written or done:
                if part:
                    # Copied here, not earlier: another reader may have split the part during the statements above.
                    await save_part(session, replace(part, last_id=last_id, started_runs=started_runs, done=done))
                await save_progress(session, self.progress, self.progress.counts.plus(counts))
                await check_fence(session, self.context.fence)
        if part:
            part.last_id, part.started_runs, part.done = last_id, started_runs, done
        self.progress.counts = self.progress.counts.plus(counts)
        self.rejected -= {deal.hubspot_deal_id for deal in page.deals}
        self.context.report_progress()
        await self._publish_progress()
        return stored.doubtful

    async def _publish_progress(self) -> None:
        """Pages without changes write nothing; this shows the progress of a long scan of such pages."""
        now = self.context.clock.monotonic()
        if now - self.progress.published_at > PUBLISH_SECONDS:
            self.progress.published_at = now
            await publish_progress(self.context.database, self.progress)

    async def _write(
        self, session: AsyncSession, page: DealPage, started_runs: int
    ) -> tuple[PageCounts, SyncCounts, bool]:
        """Deals that leave come first: runs are locked before deals, as in every transaction."""
        called_off = await call_off(session, page.archived, RunReason.ARCHIVED)
        merged = await mark_merged(session, page.successors, page.read_at)
        purged = await mark_purged(session, page.purged, page.read_at)
        reappeared = await unmark(session, page.reappeared, page.read_at)
        stored = await store_page(
            session,
            page.deals,
            IntakeRules(
                stages=self.context.stages, rerun_on=self.rerun_on, write_back=self.context.settings.write_back
            ),
            read_at=page.read_at,
            searched=page.searched,
            hold_after=self._hold_after(started_runs),
        )
        rejected = await store_rejects(session, page.rejects)
        accepted = await forget_rejects(session, self.rejected & {deal.hubspot_deal_id for deal in page.deals})
        counts = SyncCounts(
            pages=1,
            seen=page.seen,
            new=stored.new,
            changed=stored.changed,
            unchanged=len(page.deals) - stored.new - stored.changed,
            archived=stored.archived + purged,
            merged=merged,
            rejected=len(page.rejects),
            held=stored.held,
            backdated=stored.backdated,
        )
        return stored, counts, any((stored.written, called_off, merged, purged, reappeared, rejected, accepted))

    def _hold_after(self, started_runs: int) -> int:
        """How many more runs may start before new ones are held; the backfill has no limit."""
        if self.kind is SyncKind.BACKFILL:
            return WITHOUT_LIMIT
        return self.context.settings.sync_hold_above - started_runs

    def request_time(self) -> datetime:
        """To be stored as the read time of an answer: taken before the request is sent, never after."""
        return self.context.clock.now()
