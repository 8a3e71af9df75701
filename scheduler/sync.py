"""One sync under way: it reads pages, stores each in one transaction, and leaves a record of what it did.

What is read in which order is the scans' (search_scan.py, list_scan.py); what holds for all of them is here: deals,
runs, jobs, rejects and cursor of a page commit together, under the fence of the scheduler that leads; a page without
news writes nothing, takes no lock and moves no cursor.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from models import RunReason, SyncKind
from pipeline.runs.departures import call_off, mark_merged, mark_purged, unmark
from pipeline.runs.intake import WITHOUT_LIMIT, IntakeRules, PageCounts, store_page
from scheduler.context import Context
from scheduler.leadership import check_fence
from scheduler.records import Reader, ReadPage
from scheduler.rejects import forget_rejects, store_rejects
from scheduler.scans import Scan, save_scan
from scheduler.sync_record import Counts, Record, note_progress, show_progress
from scheduler.sync_state import State

# Between two updates of a record on which nothing else is written.
SHOWN_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Sync:
    """`record` is what it has done so far; `rejected` are the keys of the records that could not be read."""

    context: Context
    kind: SyncKind
    state: State
    reader: Reader
    record: Record
    rejected: set[str]

    async def store(self, page: ReadPage, scan: Scan, *, last_id: int, done: bool = False) -> None:
        """Store the page and move the scan behind it; LostLease, and nothing stored, when another scheduler leads."""

        async def save(session: AsyncSession, started_runs: int) -> None:
            await save_scan(session, replace(scan, last_id=last_id, started_runs=started_runs, done=done))

        scan.started_runs = await self._store(page, scan.started_runs, save, must=done)
        scan.last_id, scan.done = last_id, done

    async def keep(self, page: ReadPage) -> None:
        """Store a page that belongs to no scan: deals that were asked for by id."""

        async def save(_: AsyncSession, __: int) -> None:
            """No cursor stands behind it."""

        await self._store(page, 0, save, must=False)

    async def _store(
        self, page: ReadPage, started_runs: int, save: Callable[[AsyncSession, int], Awaitable[None]], *, must: bool
    ) -> int:
        """How many new runs the scan has started now; `must` saves its cursor even if the page had no news."""
        async with self.context.database.write() as session:
            stored, counts, written = await self._write(session, page, started_runs)
            started_runs += stored.started
            if written or must:
                await save(session, started_runs)
                await note_progress(session, self.record, self.record.counts.plus(counts))
                await check_fence(session, self.context.fence)
        self.record.counts = self.record.counts.plus(counts)
        self.rejected -= {deal.hubspot_deal_id for deal in page.deals}
        self.context.progress()
        await self._show_progress()
        return started_runs

    async def _show_progress(self) -> None:
        """Pages without news write nothing; whoever watches a long scan of them sees it move all the same."""
        now = self.context.clock.monotonic()
        if now - self.record.shown_at > SHOWN_SECONDS:
            self.record.shown_at = now
            await show_progress(self.context.database, self.record)

    async def _write(self, session: AsyncSession, page: ReadPage, started_runs: int) -> tuple[PageCounts, Counts, bool]:
        """What leaves comes first: runs are locked before deals, as everywhere."""
        called_off = await call_off(session, page.archived, RunReason.ARCHIVED)
        merged = await mark_merged(session, page.successors, page.read_at)
        purged = await mark_purged(session, page.purged, page.read_at)
        back = await unmark(session, page.back, page.read_at)
        stored = await store_page(
            session, page.deals, self._rules(), read_at=page.read_at, hold_after=self._hold_after(started_runs)
        )
        rejected = await store_rejects(session, page.rejects)
        passed = await forget_rejects(session, self.rejected & {deal.hubspot_deal_id for deal in page.deals})
        counts = Counts(
            pages=1,
            seen=page.seen,
            new=stored.new,
            changed=stored.changed,
            unchanged=len(page.deals) - stored.new - stored.changed,
            archived=stored.archived + purged,
            merged=merged,
            rejected=len(page.rejects),
            held=stored.held,
        )
        return stored, counts, any((stored.written, called_off, merged, purged, back, rejected, passed))

    def _rules(self) -> IntakeRules:
        return IntakeRules(stages=self.context.stages, rerun_on=self.context.settings.rerun_properties)

    def _hold_after(self, started_runs: int) -> int:
        """The guard against storms; what the backfill brings is no storm."""
        if self.kind is SyncKind.BACKFILL:
            return WITHOUT_LIMIT
        return self.context.settings.sync_hold_above - started_runs

    def asked_at(self) -> datetime:
        """The time to note as that of a reading: before it is asked for, never after."""
        return self.context.clock.now()
