"""The row of each sync in sync_runs: what it did, or why it failed. Polls that find nothing share a row."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import SyncKind, SyncOutcome
from models.sync_runs import newest_of_each_kind
from scheduler.sync.sync_state import SOURCE

# Of PostgreSQL's integer: HubSpot's totals are stored up to here.
LARGEST_COUNT = 2**31 - 1
# A row covers no longer period, so that its counts can still be read by the hour.
FOLD_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """The counts of one sync, named as the columns of sync_runs."""

    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    archived: int = 0
    merged: int = 0
    rejected: int = 0
    held: int = 0
    backdated: int = 0

    def plus(self, other: "SyncCounts") -> "SyncCounts":
        ours, theirs = asdict(self), asdict(other)
        return SyncCounts(**{name: ours[name] + theirs[name] for name in ours})


@dataclass(slots=True)
class SyncProgress:
    """What a sync has done so far: its calls of HubSpot by status, and the backlog that HubSpot announced."""

    id: int
    counts: SyncCounts = field(default_factory=SyncCounts)
    calls: Counter[str] = field(default_factory=Counter)
    floor: datetime | None = None
    backlog: int | None = None
    # When it was last written, by the process's monotonic clock.
    published_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncEnd:
    """How a sync ended; `lag_seconds` and `watermark` are set only when it read everything."""

    outcome: SyncOutcome
    error: str | None = None
    watermark: datetime | None = None
    lag_seconds: float | None = None


# Syncs of a kind run one at a time: only the newest row of each kind can be RUNNING, and each start ends the row before
# it. Some more are looked at, because two leaders may overlap for a moment.
_INTERRUPT = f"""
UPDATE sync_runs SET outcome = 'INTERRUPTED', ended_at = clock_timestamp(),
    error = 'The scheduler ended before the sync did; the next sync resumes where this one stopped.'
WHERE id = ANY(ARRAY({newest_of_each_kind("s.id", rows=10)})) AND outcome = 'RUNNING'
"""  # noqa: S608 - a constant of ours
_CLOSE_INTERRUPTED = text(f"{_INTERRUPT} AND fence < :fence")

# Another RUNNING row is of a sync that could not record its end.
_START = text(f"""
WITH interrupted AS ({_INTERRUPT} AND kind = CAST(:kind AS sync_kind))
INSERT INTO sync_runs (kind, outcome, fence, watermark_from)
SELECT CAST(:kind AS sync_kind), 'RUNNING', :fence, (SELECT watermark FROM sync_state WHERE source = :source)
RETURNING id
""")  # noqa: S608

# Counts only grow: a sync that is cancelled during a commit may have counted less than the transaction has stored.
_COUNT_COLUMNS = tuple(asdict(SyncCounts()))
_SET_COUNTS = ", ".join(f"{name} = greatest({name}, :{name})" for name in _COUNT_COLUMNS)
_SAVE_PROGRESS = text(f"UPDATE sync_runs SET {_SET_COUNTS}, floor = :floor, backlog = :backlog WHERE id = :id")  # noqa: S608

_END = text(f"""
UPDATE sync_runs SET outcome = CAST(:outcome AS sync_outcome), ended_at = clock_timestamp(), error = :error,
    watermark_to = :watermark, lag_seconds = :lag_seconds, floor = :floor, backlog = :backlog,
    calls = CAST(:calls AS jsonb), {_SET_COUNTS}
WHERE id = :id
""")  # noqa: S608

# Merges the row into the previous one of its kind when both found nothing, or failed with the same error.
_FOLD = text(f"""
WITH own AS (SELECT * FROM sync_runs WHERE id = :id), previous AS (
    SELECT f.id, f.calls FROM sync_runs AS f, own AS o
    WHERE f.id = (SELECT max(p.id) FROM sync_runs AS p WHERE p.kind = o.kind AND p.id < o.id)
      AND f.started_at > clock_timestamp() - make_interval(secs => {FOLD_SECONDS})
      AND (f.outcome, f.error, f.new, f.changed, f.archived, f.merged, f.rejected, f.held)
          IS NOT DISTINCT FROM (o.outcome, o.error, 0, 0, 0, 0, o.rejected, 0)
      AND (o.new, o.changed, o.archived, o.merged, o.held) = (0, 0, 0, 0, 0)
), merged AS (
    UPDATE sync_runs AS f
    SET polls = f.polls + 1, ended_at = o.ended_at, watermark_to = coalesce(o.watermark_to, f.watermark_to),
        fence = o.fence, pages = f.pages + o.pages, seen = f.seen + o.seen, unchanged = f.unchanged + o.unchanged,
        lag_seconds = o.lag_seconds, backlog = o.backlog,
        calls = (SELECT coalesce(jsonb_object_agg(c.key, c.total), '{{}}') FROM (
            SELECT key, sum(value::int) AS total
            FROM (SELECT * FROM jsonb_each_text(f.calls) UNION ALL SELECT * FROM jsonb_each_text(o.calls)) AS both_
            GROUP BY key) AS c)
    FROM previous, own AS o WHERE f.id = previous.id RETURNING f.id
)
DELETE FROM sync_runs WHERE id = :id AND EXISTS (SELECT FROM merged)
""")  # noqa: S608


async def close_interrupted_syncs(database: Database, fence: int) -> None:
    """End the syncs that earlier leaders left RUNNING; the scheduler that begins to lead calls it."""
    await database.run(_CLOSE_INTERRUPTED, {"fence": fence})


async def start_sync_run(database: Database, kind: SyncKind, *, fence: int, now: float) -> SyncProgress:
    """`now` is by the process's monotonic clock."""
    rows = await database.run(_START, {"kind": kind, "fence": fence, "source": SOURCE})
    return SyncProgress(int(rows[0].id), published_at=now)


async def save_progress(session: AsyncSession, progress: SyncProgress, counts: SyncCounts) -> None:
    """In the transaction that stores a page; `counts` includes that page."""
    await session.execute(_SAVE_PROGRESS, _parameters(progress, counts))


async def publish_progress(database: Database, progress: SyncProgress) -> None:
    """In a transaction of its own, while no page has anything to store."""
    await database.run(_SAVE_PROGRESS, _parameters(progress, progress.counts))


def _parameters(progress: SyncProgress, counts: SyncCounts) -> dict[str, object]:
    backlog = None if progress.backlog is None else min(progress.backlog, LARGEST_COUNT)
    return {"id": progress.id, "floor": progress.floor, "backlog": backlog, **asdict(counts)}


async def end_sync_run(database: Database, progress: SyncProgress, end: SyncEnd) -> None:
    parameters = {
        **_parameters(progress, progress.counts),
        "calls": orjson.dumps(dict(progress.calls)).decode(),
        **asdict(end),
    }
    async with database.write() as session:
        await session.execute(_END, parameters)
        await session.execute(_FOLD, {"id": progress.id})
