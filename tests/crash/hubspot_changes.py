"""Changes in HubSpot as the sync stores them: deals that are new, changed, archived, merged, purged or restored."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import RunReason
from pipeline.queue import Priority
from pipeline.runs.departures import call_off, mark_merged, mark_purged, unmark
from pipeline.runs.intake import IntakeRules, store_page
from pipeline.runs.synced_deal import SyncedDeal
from tests.crash.job_in_progress import KEYS
from tests.factories import MODIFIED, deal_row, one, run_store
from tests.pipeline.staging import frozen

MAX_DEALS = 3
STAGE_NAMES = frozen(*KEYS)
RULES = IntakeRules(stages=STAGE_NAMES, rerun_on=("dealstage",))
# A change of an archived deal restores it as well.
CHANGES = ("change", "archive", "merge", "purge", "restore")


class HubSpotChanges:
    """`deals` are our ids of the deals; `counts` counts the changes that had an effect."""

    def __init__(self, database: Database, counts: Counter[str]) -> None:
        self._database = database
        self._counts = counts
        self._edits = 0
        self._identifiers: dict[int, str] = {}

    @property
    def deals(self) -> list[int]:
        return list(self._identifiers)

    async def create_deal(self, *, held: bool, backfilled: bool = False) -> None:
        """A new deal, unless there are as many as allowed: with few deals, events often concern the same one."""
        if len(self._identifiers) == MAX_DEALS:
            return
        row = deal_row(run_priority=Priority.BACKFILL if backfilled else Priority.NEW)
        async with self._database.write() as session:
            now = datetime.now(UTC)
            await store_page(session, [row], RULES, read_at=now, hold_after=0 if held else 1)
        found = "SELECT id FROM deals WHERE hubspot_deal_id = :id"
        self._identifiers[await one(self._database, found, id=row.hubspot_deal_id)] = row.hubspot_deal_id
        self._counts["new deal held" if held else "new deal"] += 1

    async def apply(self, change: str, deal: int) -> None:
        """One page that reports this change, in one transaction as the sync writes it."""
        self._edits += 1
        async with self._database.write() as session:
            self._counts[change] += await self._apply(session, change, self._identifiers[deal], datetime.now(UTC))

    async def _apply(self, session: AsyncSession, change: str, identifier: str, read_at: datetime) -> bool:
        if change == "merge":
            return bool(await mark_merged(session, {identifier: "1"}, read_at))
        if change == "purge":
            return bool(await mark_purged(session, [identifier], read_at))
        archives, restored = change == "archive", 0
        if archives:
            await call_off(session, [identifier], RunReason.ARCHIVED)
        if change == "restore":
            restored = await unmark(session, [identifier], read_at)
        row = self._edited(identifier, read_at if archives else None)
        stored = await store_page(session, [row], RULES, read_at=read_at)
        return bool(restored) if change == "restore" else bool(stored.archived if archives else stored.changed)

    async def rerun(self) -> int:
        return await run_store(self._database).start_wanted(STAGE_NAMES)

    def _edited(self, identifier: str, archived_at: datetime | None = None) -> SyncedDeal:
        """With a change that starts another run, and with the latest modification time so far."""
        modified = MODIFIED + timedelta(minutes=self._edits)
        properties = f'{{"dealstage": "{self._edits}"}}'
        return deal_row(identifier, hubspot_modified_at=modified, properties=properties, archived_at=archived_at)
