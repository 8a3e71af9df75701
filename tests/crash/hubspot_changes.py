"""What the sync stores meanwhile: deals that are new, held, changed, archived, merged, purged, and back again."""

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

MOST_DEALS = 3
STAGE_NAMES = frozen(*KEYS)
RULES = IntakeRules(stages=STAGE_NAMES, rerun_on=("dealstage",))
# An edit of an archived deal is one of a restored deal.
CHANGES = ("change", "archive", "merge", "purge", "take back")


class AccountNews:
    """`deals` are our ids of the deals; what has changed anything is counted."""

    def __init__(self, database: Database, counts: Counter[str]) -> None:
        self._database = database
        self._counts = counts
        self._edits = 0
        self._identifiers: dict[int, str] = {}

    @property
    def deals(self) -> list[int]:
        return list(self._identifiers)

    async def arrive(self, *, held: bool, backfilled: bool = False) -> None:
        """A new deal, unless there are enough for deals to meet often."""
        if len(self._identifiers) == MOST_DEALS:
            return
        row = deal_row(run_priority=Priority.BACKFILL if backfilled else Priority.NEW)
        async with self._database.write() as session:
            now = datetime.now(UTC)
            await store_page(session, [row], RULES, read_at=now, hold_after=0 if held else 1)
        found = "SELECT id FROM deals WHERE hubspot_deal_id = :id"
        self._identifiers[await one(self._database, found, id=row.hubspot_deal_id)] = row.hubspot_deal_id
        self._counts["arrive held" if held else "arrive"] += 1

    async def happen(self, change: str, deal: int) -> None:
        """One page that tells of this change, in one transaction as the sync writes it."""
        self._edits += 1
        async with self._database.write() as session:
            self._counts[change] += await self._happen(session, change, self._identifiers[deal], datetime.now(UTC))

    async def _happen(self, session: AsyncSession, change: str, identifier: str, read_at: datetime) -> bool:
        if change == "merge":
            return bool(await mark_merged(session, {identifier: "1"}, read_at))
        if change == "purge":
            return bool(await mark_purged(session, [identifier], read_at))
        archives, back = change == "archive", 0
        if archives:
            await call_off(session, [identifier], RunReason.ARCHIVED)
        if change == "take back":
            back = await unmark(session, [identifier], read_at)
        row = self._edited(identifier, read_at if archives else None)
        stored = await store_page(session, [row], RULES, read_at=read_at)
        return bool(back) if change == "take back" else bool(stored.archived if archives else stored.changed)

    async def rerun(self) -> int:
        return await run_store(self._database).start_wanted(STAGE_NAMES)

    def _edited(self, identifier: str, archived_at: datetime | None = None) -> SyncedDeal:
        """With a change that asks for another run, and later than every other one."""
        modified = MODIFIED + timedelta(minutes=self._edits)
        properties = f'{{"dealstage": "{self._edits}"}}'
        return deal_row(identifier, hubspot_modified_at=modified, properties=properties, archived_at=archived_at)
