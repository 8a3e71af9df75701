"""The cursors of unfinished scans; each is saved in the transaction that stores the page before it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models import SyncKind


@dataclass(slots=True)
class ScanPart:
    """A row of sync_scans (models/sync_scans.py). It is moved with every page, and saved when the page has changes."""

    kind: SyncKind
    part: int = 0
    floor: datetime | None = None
    started_at: datetime | None = None
    last_id: int = 0
    until_id: int | None = None
    started_runs: int = 0
    done: bool = False

    @property
    def span(self) -> int:
        """How many ids are left to read; 0 for a part without an end."""
        return 0 if self.until_id is None else self.until_id - self.last_id - 1


_LOAD = text("""
SELECT kind, part, floor, started_at, last_id, until_id, started_runs, done
FROM sync_scans WHERE kind = CAST(:kind AS sync_kind) ORDER BY part
""")

_SAVE = text("""
INSERT INTO sync_scans AS s (kind, part, floor, started_at, last_id, until_id, started_runs, done)
VALUES (CAST(:kind AS sync_kind), :part, :floor, :started_at, :last_id, :until_id, :started_runs, :done)
ON CONFLICT (kind, part) DO UPDATE SET floor = excluded.floor, started_at = excluded.started_at,
    last_id = excluded.last_id, until_id = excluded.until_id, started_runs = excluded.started_runs,
    done = excluded.done
""")

_CLEAR = text("DELETE FROM sync_scans WHERE kind = CAST(:kind AS sync_kind)")


async def load_parts(database: Database, kind: SyncKind) -> list[ScanPart]:
    """The parts of the unfinished scan of this kind; empty when there is none."""
    rows = await database.run(_LOAD, {"kind": kind})
    return [ScanPart(SyncKind(row.kind), *row[1:]) for row in rows]


async def save_part(session: AsyncSession, part: ScanPart) -> None:
    await session.execute(_SAVE, asdict(part))


async def clear_parts(session: AsyncSession, kind: SyncKind) -> None:
    """When the scan is finished, or is to start from its beginning."""
    await session.execute(_CLEAR, {"kind": kind})
