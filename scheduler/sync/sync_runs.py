"""The record of each sync: one row with what it did, or why it failed. Polls without news share a row."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import SyncKind, SyncOutcome
from scheduler.sync.sync_state import SOURCE

# A row never stands for more than that, so that its counts stay readable by the hour.
FOLD_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one sync, as they are in sync_runs."""

    pages: int = 0
    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    archived: int = 0
    merged: int = 0
    rejected: int = 0
    held: int = 0

    def plus(self, other: "Counts") -> "Counts":
        ours, theirs = asdict(self), asdict(other)
        return Counts(**{name: ours[name] + theirs[name] for name in ours})


@dataclass(slots=True)
class Record:
    """What a sync has done so far: `calls` of HubSpot by status, `backlog` as HubSpot announced it."""

    id: int
    counts: Counts = field(default_factory=Counts)
    calls: Counter[str] = field(default_factory=Counter)
    floor: datetime | None = None
    backlog: int | None = None
    # By the process's own monotonic clock.
    shown_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a sync ended; `lag_seconds` and the watermark only of one that has read everything."""

    outcome: SyncOutcome
    error: str | None = None
    watermark: datetime | None = None
    lag_seconds: float | None = None


_DIED = """
UPDATE sync_runs SET outcome = 'INTERRUPTED', ended_at = clock_timestamp(),
    error = 'The scheduler ended before the sync did; the next sync goes on where this one stopped.'
WHERE outcome = 'RUNNING'
"""
_CLOSE_DEAD = text(f"{_DIED} AND fence < :fence")

# One sync of a kind at a time: another one that is RUNNING could not record its end.
_BEGIN = text(f"""
WITH dead AS ({_DIED} AND kind = CAST(:kind AS sync_kind))
INSERT INTO sync_runs (kind, outcome, fence, watermark_from)
SELECT CAST(:kind AS sync_kind), 'RUNNING', :fence, (SELECT watermark FROM sync_state WHERE source = :source)
RETURNING id
""")  # noqa: S608

# Counts only grow: a sync that is cancelled while its page commits knows less than the page's transaction has noted.
_NAMES = tuple(asdict(Counts()))
_COUNTS = ", ".join(f"{name} = greatest({name}, :{name})" for name in _NAMES)
_PROGRESS = text(f"UPDATE sync_runs SET {_COUNTS}, floor = :floor, backlog = :backlog WHERE id = :id")  # noqa: S608

_END = text(f"""
UPDATE sync_runs SET outcome = CAST(:outcome AS sync_outcome), ended_at = clock_timestamp(), error = :error,
    watermark_to = :watermark, lag_seconds = :lag_seconds, floor = :floor, backlog = :backlog,
    calls = CAST(:calls AS jsonb), {_COUNTS}
WHERE id = :id
""")  # noqa: S608

# Into the last row of this kind, when both tell the same: nothing new, or the same failure again.
_FOLD = text(f"""
WITH own AS (SELECT * FROM sync_runs WHERE id = :id), former AS (
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
    FROM former, own AS o WHERE f.id = former.id RETURNING f.id
)
DELETE FROM sync_runs WHERE id = :id AND EXISTS (SELECT FROM merged)
""")  # noqa: S608


async def close_dead_runs(database: Database, fence: int) -> None:
    """Whoever begins to lead knows: what earlier leaders left as RUNNING was interrupted."""
    await database.run(_CLOSE_DEAD, {"fence": fence})


async def begin_run(database: Database, kind: SyncKind, *, fence: int, now: float) -> Record:
    """`now` is on the clock by which progress is shown."""
    rows = await database.run(_BEGIN, {"kind": kind, "fence": fence, "source": SOURCE})
    return Record(int(rows[0].id), shown_at=now)


async def note_progress(session: AsyncSession, record: Record, counts: Counts) -> None:
    """As far as the transaction of the session has brought it: `counts` is with the page that is being stored."""
    await session.execute(_PROGRESS, _progress(record, counts))


async def show_progress(database: Database, record: Record) -> None:
    """By itself, for pages that have nothing else to write."""
    await database.run(_PROGRESS, _progress(record, record.counts))


def _progress(record: Record, counts: Counts) -> dict[str, object]:
    return {"id": record.id, "floor": record.floor, "backlog": record.backlog, **asdict(counts)}


async def end_run(database: Database, record: Record, end: End) -> None:
    parameters = {
        "id": record.id,
        "floor": record.floor,
        "backlog": record.backlog,
        "calls": orjson.dumps(dict(record.calls)).decode(),
        **asdict(end),
        **asdict(record.counts),
    }
    async with database.write() as session:
        await session.execute(_END, parameters)
        await session.execute(_FOLD, {"id": record.id})
