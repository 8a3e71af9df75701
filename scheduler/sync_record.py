"""The record of each sync: one row with what it did, or why it failed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import SyncOutcome


@dataclass(frozen=True, slots=True)
class SyncCounts:
    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    rejected: int = 0

    def plus(self, other: "SyncCounts") -> "SyncCounts":
        return SyncCounts(
            self.pages + other.pages,
            self.seen + other.seen,
            self.new + other.new,
            self.changed + other.changed,
            self.rejected + other.rejected,
        )


_BEGIN_RUN = text("INSERT INTO sync_runs (outcome, floor) VALUES ('RUNNING', :floor) RETURNING id")
_CLOSE_DEAD = text("""
UPDATE sync_runs SET outcome = 'INTERRUPTED', ended_at = clock_timestamp(),
    error = 'The scheduler ended before the sync did; the next sync goes on where this one stopped.'
WHERE outcome = 'RUNNING'
""")
# Counts only grow: a sync that is cancelled while its page commits knows less than the page's transaction has noted.
_COUNTS = ", ".join(f"{name} = greatest({name}, :{name})" for name in SyncCounts.__dataclass_fields__)
_PROGRESS = text(f"UPDATE sync_runs SET {_COUNTS} WHERE id = :id")  # noqa: S608
_END_RUN = text(f"""
UPDATE sync_runs SET outcome = CAST(:outcome AS sync_outcome), ended_at = clock_timestamp(), error = :error,
    watermark = :watermark, {_COUNTS}
WHERE id = :id
""")  # noqa: S608


async def begin_run(database: Database, floor: datetime) -> int:
    return int((await database.run(_BEGIN_RUN, {"floor": floor}))[0].id)


async def close_dead_runs(database: Database) -> None:
    """At the scheduler's start: what its dead incarnation left as RUNNING was interrupted."""
    await database.run(_CLOSE_DEAD)


async def note_progress(session: AsyncSession, run_id: int, counts: SyncCounts) -> None:
    await session.execute(_PROGRESS, {"id": run_id, **_numbers(counts)})


async def end_run(
    database: Database,
    run_id: int,
    outcome: SyncOutcome,
    counts: SyncCounts,
    *,
    watermark: datetime | None = None,
    error: str | None = None,
) -> None:
    parameters = {"id": run_id, "outcome": outcome, "watermark": watermark, "error": error, **_numbers(counts)}
    await database.run(_END_RUN, parameters)


def _numbers(counts: SyncCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in SyncCounts.__dataclass_fields__}
